import { type FileOwnership, type FileWaiter } from './files.dto.js';
import { type TaskState } from './ledger.dto.js';
import { type Task } from './domain/task.js';
import { type FileWait, type Ownership } from './queries/ownership.queries.js';

/** A task as callers see it. `showToken`: to the claimer, or to all on a server that is told so. */
export function taskState(task: Task, { showToken }: { readonly showToken: boolean }): TaskState {
  return {
    id: task.id,
    kind: task.kind,
    action: task.action,
    params: shownParams(task),
    status: task.status,
    priority: task.priority,
    dependencies: [...task.dependencies],
    dependents: [...task.dependents],
    project_id: task.projectId,
    required_files: [...task.requiredFiles],
    read_files: [...task.readFiles],
    concurrency_key: task.concurrency?.key ?? null,
    concurrency_limit: task.concurrency?.limit ?? null,
    required_capabilities: [...task.requiredCapabilities],
    gateway_strict: task.gatewayStrict,
    delivery: task.delivery,
    max_attempts: task.maxAttempts,
    attempts: task.attempts,
    lease_seconds: task.leaseSeconds,
    locked_by: task.lockedBy,
    locked_at: task.lockedAt,
    lease_expires_at: task.leaseExpiresAt,
    lease_number: task.leaseNumber,
    claim_token: showToken ? task.claimToken : null,
    gateway_id: task.gatewayId,
    dispatch_gateway_id: task.dispatchGatewayId,
    next_attempt_at: task.nextAttemptAt,
    submitted_by: task.submittedBy,
    result: task.result,
    error: task.error,
    created_at: task.createdAt,
    updated_at: task.updatedAt,
    completed_at: task.completedAt,
  };
}

/** The environment of a job may hold secrets: these routes show its names only. */
function shownParams({ kind, params }: Task): TaskState['params'] {
  const { env } = params;
  if (kind === 'action' || typeof env !== 'object' || env === null) return params;
  return { ...params, env: Object.fromEntries(Object.keys(env).map((name) => [name, '***'])) };
}

export function fileOwnership(
  owned: Ownership,
  { showToken, waiters }: { readonly showToken: boolean; readonly waiters: readonly string[] },
): FileOwnership {
  return {
    file_path: owned.fileName,
    owning_task: owned.taskId,
    claim_token: showToken ? owned.claimToken : null,
    claimed_at: owned.claimedAt,
    project_id: owned.projectId,
    mode: owned.mode,
    locked_by: owned.holder,
    lease_expires_at: owned.leaseExpiresAt,
    waiters: [...waiters],
  };
}

export function fileWaiter(wait: FileWait): FileWaiter {
  return {
    task_id: wait.taskId,
    file_path: wait.path,
    project_id: wait.projectId,
    mode: wait.mode,
    priority: wait.priority,
    since: wait.parkedAt,
    losses: wait.losses,
    awake: wait.awake,
  };
}
