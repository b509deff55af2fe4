import { type FileOwnership, type TaskState } from './ledger.dto.js';
import { type Task } from './domain/task.js';
import { type Ownership } from './queries/file.queries.js';

/** A task as callers see it. `showToken`: to the claimer, or to all on a server that is told so. */
export function taskState(task: Task, { showToken }: { readonly showToken: boolean }): TaskState {
  return {
    id: task.id,
    kind: task.kind,
    action: task.action,
    params: task.params,
    status: task.status,
    priority: task.priority,
    dependencies: [...task.dependencies],
    dependents: [...task.dependents],
    required_files: [...task.requiredFiles],
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

export function fileOwnership(
  owned: Ownership,
  { showToken }: { readonly showToken: boolean },
): FileOwnership {
  return {
    file_path: owned.fileName,
    owning_task: owned.taskId,
    claim_token: showToken ? owned.claimToken : null,
    claimed_at: owned.claimedAt,
  };
}
