import { type BlockedFile, BOUNDS, GATE } from '../../ledger/index.js';
import { action, cancel, explain, MOST_CALLS, retry } from './calls.js';
import { stateOf } from './ended.js';
import { type Facts, type Reason, type Unblock } from './facts.js';
import { counted, listed, quoted } from './sentences.js';

/** Conflicting files that an answer lists, and owners and tasks ahead that it names for each. */
const MOST_FILES = 20;
const MOST_NAMED = 5;

export function waitsForDependencies({ situation: { task, parents } }: Facts): Reason[] {
  if (task.gate === GATE.waitsForDependencies && parents.length === 0) {
    return [
      {
        code: 'waiting_for_dependency',
        message: 'Its dependencies have succeeded, and it is about to be told.',
        since: task.createdAt,
        details: { dependencies: [], total: task.pendingDependencies },
        unblock: [],
      },
    ];
  }
  const failed = parents.filter(({ status }) => status.startsWith('failed'));
  const open = parents.filter(({ status }) => !status.startsWith('failed'));
  const seen = parents.map(({ id, status, error, lockedBy }) => ({
    ...{ task_id: id, status, locked_by: lockedBy },
    ...(status.startsWith('failed') ? { error } : {}),
  }));
  const total = Math.max(task.pendingDependencies, parents.length);
  const reasons: Reason[] = [];
  if (open.length > 0) {
    const names = listed(
      open.map(({ id }) => id),
      total - failed.length,
    );
    reasons.push({
      code: 'waiting_for_dependency',
      message: `It waits for ${counted(total, 'dependency', 'dependencies')} to succeed: ${names}.`,
      since: task.createdAt,
      details: { dependencies: seen, total },
      unblock: open
        .slice(0, MOST_CALLS)
        .map((parent) => explain(parent, `Says why '${parent.id}' is ${parent.status}.`)),
    });
  }
  if (failed[0] !== undefined) {
    const [{ id, status, error }] = [failed[0]];
    reasons.push({
      code: 'dependency_failed',
      message: `Its dependency '${id}' ended ${status}: ${quoted(error)}`,
      details: { dependency: { task_id: id, status, error }, root: { task_id: id, status, error } },
      unblock: [retry(id, 'Starts it anew.')],
    });
  }
  return reasons;
}

export function waitsForFiles({ situation: { task, files, waits } }: Facts): Reason[] {
  const isParked = task.gate === GATE.waitsForFile;
  if (files.length === 0 && !isParked) return [];
  const since = waits === null ? {} : { since: waits.parkedAt };
  const queue = waits && { since: waits.parkedAt, losses: waits.losses, is_awake: waits.awake };
  if (files.length === 0) {
    // Nobody owns what it waits for; somebody else has been woken for it, and it comes next.
    const names = waits?.uses.map(({ pattern }) => pattern.text) ?? [];
    return [
      {
        code: 'waiting_for_file',
        message: `It waits for ${listed(names)}, which somebody else is about to take.`,
        ...since,
        details: { files: [], total: 0, queue, reserved: names },
        unblock: [],
      },
    ];
  }
  return [
    {
      code: 'waiting_for_file',
      message: `It cannot have ${counted(files.length, 'of its files', 'of its files')}: ${files.slice(0, 2).map(sentenceOf).join('; ')}${files.length > 2 ? `; and ${files.length - 2} more` : ''}.`,
      ...since,
      details: { files: files.slice(0, MOST_FILES).map(viewOf), total: files.length, queue },
      unblock: callsFor(files),
    },
  ];
}

function sentenceOf({ file, owners, ahead }: BlockedFile): string {
  const ids = [...new Set(owners.map(({ taskId }) => taskId))];
  const waiting = new Set(ahead.map(({ taskId }) => taskId)).size;
  const verb = file.mode === 'write' ? 'write' : 'read';
  if (ids.length === 0)
    return `to ${verb} '${file.name}', ${counted(waiting, 'task comes', 'tasks come')} first`;
  const behind = waiting === 0 ? '' : `, and ${counted(waiting, 'task comes', 'tasks come')} first`;
  const until = owners[0]?.leaseExpiresAt ?? null;
  const lease = ids.length === 1 && until !== null ? ` (lease until ${until})` : '';
  return `to ${verb} '${file.name}', which ${listed(ids)} ${ids.length === 1 ? 'owns' : 'own'}${lease}${behind}`;
}

function viewOf({ file, owners, ahead, areMoreAhead }: BlockedFile): Record<string, unknown> {
  const places = [...new Set(ahead.map(({ taskSeq }) => taskSeq))];
  return {
    path: file.name,
    mode: file.mode,
    owners: owners.slice(0, MOST_NAMED).map((owner) => ({
      ...{ task_id: owner.taskId, path: owner.name, mode: owner.mode, locked_by: owner.lockedBy },
      ...{ since: owner.since, lease_expires_at: owner.leaseExpiresAt },
    })),
    owners_total: owners.length,
    place: places.length + 1,
    place_is_at_least: areMoreAhead,
    ahead: ahead.slice(0, MOST_NAMED).map(({ taskId, priority, awake, pattern, mode }) => ({
      ...{ task_id: taskId, path: pattern.text, mode, priority, is_awake: awake },
    })),
  };
}

function callsFor(files: readonly BlockedFile[]): Unblock[] {
  const owners = [...new Set(files.flatMap((file) => file.owners.map(({ taskId }) => taskId)))];
  const ahead = [...new Set(files.flatMap((file) => file.ahead.slice(0, 1).map(({ taskId }) => taskId)))];
  return [
    ...owners.flatMap((id) => [
      explain(action(id), `Says who holds '${id}' and until when; its end frees the file.`),
      cancel(action(id), `Ends '${id}' now and frees its files.`),
    ]),
    ...ahead.map((id) => explain(action(id), `Says why '${id}', which comes first, is not running.`)),
  ].slice(0, MOST_CALLS);
}

/** A rest before the next attempt, or before the first. */
export function rests({ situation: { task } }: Facts): Reason[] {
  if (!task.isResting || task.nextAttemptAt === null) return [];
  const isFirst = task.attempts === 0;
  const error = quoted(task.error);
  return [
    {
      code: isFirst ? 'scheduled' : 'resting',
      message: isFirst
        ? `It is not due before ${task.nextAttemptAt}.`
        : `It rests until ${task.nextAttemptAt} after ${task.attempts} of ${task.maxAttempts} attempts${error === '' ? '' : `; the last came to: ${error}`}`,
      since: task.updatedAt,
      details: {
        next_attempt_at: task.nextAttemptAt,
        attempts: task.attempts,
        max_attempts: task.maxAttempts,
        last_error: task.error,
      },
      unblock: [],
    },
  ];
}

export function hasOpenExecution({ situation: { task }, gateways }: Facts): Reason[] {
  if (!task.hasOpenExecution) return [];
  const id = task.dispatchGatewayId ?? '';
  const gateway = gateways.find(({ gatewayId }) => gatewayId === id);
  const state = gateway === undefined ? 'no longer registered' : gateway.status;
  return [
    {
      code: 'open_execution',
      message: `Gateway '${id}' (${state}) may still be executing it, so that only that gateway is asked again.`,
      details: {
        gateway: gateway === undefined ? { gateway_id: id, status: 'unknown', reason: '' } : stateOf(gateway),
        attempts: task.attempts,
        max_attempts: task.maxAttempts,
      },
      unblock: [
        cancel(
          task,
          'Gives it up, whatever the gateway does; a retry is then a new execution, on any gateway.',
        ),
      ],
    },
  ];
}

/** What has no other reason is on the move: somebody is just claiming, parking or waking it or those before it. */
export function isOnTheMove({ situation: { task } }: Facts): Reason {
  return {
    code: 'queued_behind',
    message: 'It is ready, and claims are being made that come first: ask again.',
    details: { ahead: 0, ahead_is_at_least: false, first: [], next_claims: [] },
    unblock: [explain(task, 'Looks again.')],
  };
}

/** Others whom the next claims would take first. */
export function comesLater({ situation: { task, ahead }, prospects }: Facts): Reason[] {
  const others = prospects.filter(({ taskId }) => taskId !== null && taskId !== task.id);
  const isNext = prospects.some(({ taskId }) => taskId === task.id);
  const isParked = task.gate === GATE.waitsForFile || task.gate === GATE.waitsForKey;
  if (isParked || isNext || (ahead.length === 0 && others.length === 0)) return [];
  const first = others[0]?.taskId ?? ahead[0] ?? '';
  const isAtLeast = ahead.length >= BOUNDS.ahead;
  const count = `${isAtLeast ? 'at least ' : ''}${counted(ahead.length, 'ready task')}`;
  return [
    {
      code: 'queued_behind',
      message:
        ahead.length > 0
          ? `It is ready, and ${count} of its project ${ahead.length === 1 ? 'comes' : 'come'} first; the next is '${first}'.`
          : `It is ready, and those who may take it would take '${first}' first.`,
      details: {
        ahead: ahead.length,
        ahead_is_at_least: isAtLeast,
        first: ahead.slice(0, MOST_NAMED),
        next_claims: others.map(({ claimer, taskId }) => ({ claimer, task_id: taskId })),
      },
      unblock: [
        explain(
          { id: first, kind: task.kind },
          `Says of '${first}', which comes first, why it is not running.`,
        ),
      ],
    },
  ];
}
