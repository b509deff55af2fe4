import { neverReason } from '../../ledger/index.js';
import { notWaiting } from './ended.js';
import { type Facts, isWaiting, type Reason } from './facts.js';
import { noHostTakesIt } from './hosts.js';
import { isPaused } from './pauses.js';
import { nobodyTakesIt } from './takers.js';
import {
  comesLater,
  hasOpenExecution,
  isOnTheMove,
  rests,
  waitsForDependencies,
  waitsForFiles,
} from './waits.js';
import { waitsForKey } from './waits-for-key.js';

/** Every reason why a task is not running, those that come first in its life first. Empty: the next claim takes it. */
export function reasonsOf(facts: Facts): Reason[] {
  if (!isWaiting(facts)) return notWaiting(facts);
  const reasons = foundReasons(facts);
  return reasons.length > 0 || isRunnable(facts) ? reasons : [isOnTheMove(facts)];
}

/** Whether what was seen fits together: a task may move on between two looks. */
export function isConclusive(facts: Facts): boolean {
  return !isWaiting(facts) || isRunnable(facts) || foundReasons(facts).length > 0;
}

function foundReasons(facts: Facts): Reason[] {
  return [
    ...isPaused(facts),
    ...waitsForDependencies(facts),
    ...waitsForFiles(facts),
    ...waitsForKey(facts),
    ...rests(facts),
    ...hasOpenExecution(facts),
    ...nobodyTakesIt(facts),
    ...noHostTakesIt(facts),
    ...comesLater(facts),
  ];
}

/** Whether the next claim of somebody would take it. */
export function isRunnable({ situation: { task }, prospects }: Facts): boolean {
  return prospects.some(({ taskId }) => taskId === task.id);
}

/** Why nobody who is registered could ever take it; null when somebody could, or when it no longer waits. */
export function neverOf(facts: Facts): string | null {
  return isWaiting(facts) ? neverReason(facts.need, facts) : null;
}

/** All in one sentence, the most telling reason in front. */
export function summaryOf(facts: Facts, reasons: readonly Reason[]): string {
  const never = neverOf(facts);
  const limit = limitOf(facts);
  const [first] = reasons;
  if (never !== null) return `It can never run as things stand: ${never}${limit}`;
  if (first === undefined) return `It is ready: the next claim takes it.${limit}`;
  const more = reasons.length - 1;
  if (!isWaiting(facts) || more === 0) return first.message + limit;
  return `${first.message} And there ${more === 1 ? 'is 1 more reason' : `are ${more} more reasons`}.${limit}`;
}

/** A sentence on when a job fails that nobody starts. */
function limitOf({ situation: { task } }: Facts): string {
  return task.expiresAt === null ? '' : ` It fails when no host has started it by ${task.expiresAt}.`;
}
