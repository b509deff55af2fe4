import { type Facts, type GatewayFacts, type Reason } from './facts.js';
import { cancel, retry } from './calls.js';
import { quoted } from './sentences.js';

/** Why a task that somebody holds, or that has ended, is not waiting. */
export function notWaiting(facts: Facts): Reason[] {
  const { task, blame } = facts.situation;
  if (task.completedAt === null) return [held(facts)];
  const ended: Reason = {
    code: 'not_waiting',
    message: `It ended ${task.status} at ${task.completedAt}${because(task.error)}`,
    since: task.completedAt,
    details: {
      status: task.status,
      completed_at: task.completedAt,
      error: task.error,
      attempts: task.attempts,
      max_attempts: task.maxAttempts,
    },
    unblock:
      task.status === 'succeeded' || blame.length > 0
        ? []
        : [retry(task.id, 'Starts it anew, with the dependents that failed because of it.')],
  };
  const failed = dependencyFailed(facts);
  return failed === null ? [ended] : [failed, ended];
}

function dependencyFailed({ situation: { task, blame } }: Facts): Reason | null {
  const [parent] = blame;
  const root = blame.at(-1);
  if (parent === undefined || root === undefined) return null;
  const began = root.id === parent.id ? '' : ` It began with '${root.id}', which ended ${root.status}.`;
  return {
    code: 'dependency_failed',
    message: `Its dependency '${parent.id}' ended ${parent.status}${because(root.error)}${began}`,
    ...(task.completedAt === null ? {} : { since: task.completedAt }),
    details: {
      dependency: { task_id: parent.id, status: parent.status, error: parent.error },
      root: { task_id: root.id, status: root.status, error: root.error },
    },
    unblock: root.status.startsWith('failed')
      ? [retry(root.id, 'Starts it anew, and lets all that failed because of it wait again.')]
      : [],
  };
}

function held({ situation: { task }, gateways }: Facts): Reason {
  const isDispatched = task.holder === 'dispatcher';
  const taker = task.holder === 'host' ? 'host' : 'worker';
  const gateway = gateways.find(({ gatewayId }) => gatewayId === task.dispatchGatewayId);
  const wasRenewed = task.renewedAt !== null && task.renewedAt !== task.lockedAt;
  const who = isDispatched
    ? `the dispatcher '${task.lockedBy ?? ''}'${task.dispatchGatewayId === null ? '' : `, on gateway '${task.dispatchGatewayId}'`}`
    : `${taker} '${task.lockedBy ?? ''}'`;
  const lease = task.leaseIsOver
    ? `; the lease ended at ${task.leaseExpiresAt ?? ''}, and the task is about to be given back`
    : `, with a lease until ${task.leaseExpiresAt ?? ''}`;
  return {
    code: 'not_waiting',
    message: `It is ${task.status}, held by ${who}${lease}.`,
    ...(task.lockedAt === null ? {} : { since: task.lockedAt }),
    details: {
      status: task.status,
      holder: task.holder,
      locked_by: task.lockedBy,
      locked_at: task.lockedAt,
      lease_expires_at: task.leaseExpiresAt,
      lease_is_over: task.leaseIsOver,
      renewed_at: wasRenewed ? task.renewedAt : null,
      attempts: task.attempts,
      max_attempts: task.maxAttempts,
      ...(task.dispatchGatewayId === null
        ? {}
        : { gateway: gateway === undefined ? { gateway_id: task.dispatchGatewayId } : stateOf(gateway) }),
    },
    unblock: [cancel(task, "Ends it now; its holder's token is void from then on.")],
  };
}

/** What callers see of a gateway's state. */
export function stateOf({
  gatewayId,
  status,
  statusReason,
  pausedAt,
}: GatewayFacts): Record<string, unknown> {
  return {
    ...{ gateway_id: gatewayId, status, reason: statusReason },
    ...(pausedAt === null ? {} : { paused_at: pausedAt }),
  };
}

/** Ends a sentence with what somebody said of it, or without. */
export function because(error: string): string {
  const text = quoted(error);
  return text === '' ? '.' : `: ${text}${/[.!?…]$/.test(text) ? '' : '.'}`;
}
