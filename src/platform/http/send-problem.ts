import { type FastifyReply, type FastifyRequest } from 'fastify';
import { type Problem, type RequestIssue } from '../problems/problem.js';
import { problems } from '../problems/problems.js';
import { traitsOf } from './route.decorator.js';

/**
 * Writes a problem as the answer. Routes that old clients know answer `{"detail": …}`; new ones, and any that is asked
 * for it by `Accept`, an RFC 9457 document.
 */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: Problem): void {
  const { status, title } = problems[problem.kind];
  if (problem.retryAfterSeconds !== undefined) void reply.header('retry-after', problem.retryAfterSeconds);
  if (wantsDocument(request)) {
    void reply
      .status(status)
      .header('content-type', 'application/problem+json')
      .send({
        type: `urn:skynet:problem:${problem.kind}`,
        title,
        status,
        detail: problem.detail,
        instance: `urn:skynet:request:${request.id}`,
        ...(problem.issues === undefined ? {} : { errors: problem.issues.map(documentError) }),
      });
    return;
  }
  void reply
    .status(status)
    .header('content-type', 'application/json; charset=utf-8')
    .send({
      detail: problem.issues ?? problem.detail,
      ...(problem.kind === 'internal' ? { request_id: request.id } : {}),
    });
}

function wantsDocument(request: FastifyRequest): boolean {
  return (
    traitsOf(request).errors === 'problem' ||
    (request.headers.accept ?? '').includes('application/problem+json')
  );
}

function documentError({ loc, msg }: RequestIssue): object {
  return { pointer: pointerTo(loc.slice(1)), in: loc[0], detail: msg };
}

/** A JSON pointer as a URI fragment: `#/params/a~1b`, and `#` for the whole. */
function pointerTo(path: readonly (string | number)[]): string {
  const steps = path.map((step) => String(step).replaceAll('~', '~0').replaceAll('/', '~1'));
  return ['#', ...steps].join('/');
}
