import { type FastifyRequest } from 'fastify';
import { traceOf } from '../../platform/http/request-tracing.js';
import { type TraceContext } from '../../platform/tracing/domain/trace-context.js';
import { type Tracer } from '../../platform/tracing/tracer.js';
import { type ClaimedTask } from './domain/task.js';

/** Who claimed a task: when the claim began, and the request that it came with, if there was one. */
export interface ClaimCircumstances {
  readonly beganAtMs: number;
  readonly request?: FastifyRequest;
}

/**
 * Where the trace of a task goes on once it is claimed. The claim is a span of the task's trace and not of the claimer's
 * request, which may be about many tasks or none: it names that one beside it.
 */
export function traceOfClaim(
  tracer: Tracer,
  task: ClaimedTask,
  { beganAtMs, request }: ClaimCircumstances,
): TraceContext | null {
  if (!tracer.isOn) return task.trace;
  const span = tracer.start('claim', {
    parent: task.trace,
    link: request === undefined ? null : traceOf(request),
    beganAtMs,
    attributes: {
      'skynet.task.id': task.id,
      'skynet.task.action': task.action,
      'skynet.project.id': task.projectId,
      'skynet.worker.id': task.lockedBy,
      'skynet.lease.number': task.leaseNumber,
      'skynet.attempt': task.attempts,
    },
  });
  span.end();
  return span.context;
}
