import { BOUNDS, GATE, type KeySituation } from '../../ledger/index.js';
import { action, cancel, explain, MOST_CALLS } from './calls.js';
import { type Facts, type Reason, type Unblock } from './facts.js';
import { counted, listed } from './sentences.js';

/** Tasks ahead that an answer names. */
const MOST_NAMED = 5;

/** As many tasks of its concurrency key are held as it allows, or others of the key come first for what is left. */
export function waitsForKey({ situation: { task, key } }: Facts): Reason[] {
  const isParked = task.gate === GATE.waitsForKey;
  if (key === null || !(isParked || isFull(key))) return [];
  return [
    {
      code: 'waiting_for_concurrency',
      message: sentenceOf(key),
      ...(isParked ? { since: task.updatedAt } : {}),
      details: {
        key: key.key,
        limit: key.limit,
        held: key.held,
        holders: key.holders.map(({ taskId, lockedBy, since, leaseExpiresAt }) => ({
          ...{ task_id: taskId, locked_by: lockedBy, since, lease_expires_at: leaseExpiresAt },
        })),
        is_parked: isParked,
        place: key.ahead.length + 1,
        place_is_at_least: isCut(key),
        ahead: key.ahead.slice(0, MOST_NAMED),
      },
      unblock: callsFor(key),
    },
  ];
}

const isFull = ({ held, limit }: KeySituation) => held >= limit;
const isCut = ({ ahead }: KeySituation) => ahead.length >= BOUNDS.ahead;

function sentenceOf(key: KeySituation): string {
  const { held, limit, holders, ahead } = key;
  const count = counted(ahead.length, 'task comes', 'tasks come');
  const behind = ahead.length === 0 ? '' : `; ${isCut(key) ? 'at least ' : ''}${count} first`;
  if (!isFull(key)) {
    return `It waits for a place of its concurrency key '${key.key}', of which ${held} of ${limit} ${held === 1 ? 'is' : 'are'} taken${behind}.`;
  }
  const names = listed(
    holders.map(({ taskId }) => taskId),
    held,
  );
  const until = holders[0]?.leaseExpiresAt ?? null;
  const lease = held === 1 && until !== null ? ` (lease until ${until})` : '';
  return `Its concurrency key '${key.key}' is full: ${names} ${held === 1 ? 'is' : 'are'} held${lease}, and its limit is ${limit}${behind}.`;
}

function callsFor(key: KeySituation): Unblock[] {
  const first = key.ahead[0];
  if (!isFull(key)) {
    return first === undefined
      ? []
      : [explain(action(first), `Says why '${first}', which comes first, is not running.`)];
  }
  return key.holders
    .flatMap(({ taskId }) => [
      explain(action(taskId), `Says who holds '${taskId}' and until when; its end passes its place on.`),
      cancel(action(taskId), `Ends '${taskId}' now and passes its place on.`),
    ])
    .slice(0, MOST_CALLS);
}
