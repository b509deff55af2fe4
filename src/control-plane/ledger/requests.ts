import { type TraceContext, traceFields } from '../../platform/tracing/domain/trace-context.js';
import { type RunTokens } from '../auth/index.js';
import { type ClaimedTask } from './domain/task.js';
import { type EnqueueRequest } from './intake.service.js';
import { type ClaimNextRequest, type ClaimTaskResponse, type EnqueueTaskRequest } from './ledger.dto.js';
import { blankToNull } from './domain/text-lists.js';
import { taskState } from './task-view.js';
import { type ClaimWish } from './waiting-claims.service.js';

export const START_MISMATCH = 'Illegal transition or task claim mismatch';
export const COMPLETE_MISMATCH = 'Task transition rejected (expected running state with matching claim)';
export const RELEASE_MISMATCH = 'Task transition rejected or claim mismatch';

/** A task as the ledger takes it in, from the words of the API. */
export function enqueueRequest(body: EnqueueTaskRequest, trace: TraceContext | null): EnqueueRequest {
  return {
    action: body.action,
    params: body.params,
    id: body.task_id,
    priority: body.priority,
    dependencies: body.dependencies,
    projectId: body.project_id,
    requiredFiles: body.required_files,
    readFiles: body.read_files,
    files: body.files,
    concurrencyKey: body.concurrency_key,
    concurrencyLimit: body.concurrency_limit,
    gatewayId: body.gateway_id,
    gatewayStrict: body.gateway_strict,
    requiredCapabilities: body.required_capabilities,
    delivery: body.delivery,
    maxAttempts: body.max_attempts,
    leaseSeconds: body.lease_seconds,
    runAt: body.run_at,
    trace,
  };
}

export function claimWish(
  workerId: string,
  { max, wait_ms, start, capabilities, project_id }: ClaimNextRequest,
): ClaimWish {
  return {
    claimer: {
      holder: 'worker',
      id: workerId,
      capabilities,
      projectId: blankToNull(project_id),
    },
    ...{ max: max ?? 1, start, waitMs: wait_ms },
  };
}

/** The answer to a claim. Its tokens are shown: whoever claims needs them. `traces` says where a task's trace goes on. */
export function claimResponse(
  tasks: readonly ClaimedTask[],
  { max }: ClaimNextRequest,
  runs: Pick<RunTokens, 'issue'>,
  traces: (task: ClaimedTask) => TraceContext | null,
): ClaimTaskResponse {
  const views = tasks.map((task) => {
    const claim = { taskId: task.id, workerId: task.lockedBy, claimToken: task.claimToken };
    return Object.assign(taskState(task, { showToken: true }), {
      run_token: runs.issue(claim),
      ...traceFields(traces(task)),
    });
  });
  return {
    claimed: views.length > 0,
    task: views[0] ?? null,
    ...(max === null ? {} : { tasks: views }),
  };
}
