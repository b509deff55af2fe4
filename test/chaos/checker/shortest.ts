import { type History, type Violation } from './history.js';

/** The violation that the fewest events and traces show, with those, a line each and in order. */
export function shortestHistory(
  history: History,
  violations: readonly Violation[],
): { readonly violation: Violation; readonly lines: readonly string[] } | null {
  const told = violations.map((violation) => ({ violation, lines: linesOf(history, violation) }));
  return told.toSorted((a, b) => a.lines.length - b.lines.length)[0] ?? null;
}

function linesOf({ submitted, events, effects, explained }: History, { tasks }: Violation): string[] {
  const concerned = new Set(tasks);
  return [
    ...submitted
      .filter(({ id }) => concerned.has(id))
      .map(({ id, kind, isAccepted, parents, writes, reads, concurrency }) =>
        [
          `submitted ${id}: ${kind}, ${isAccepted ? 'accepted' : 'never answered'}`,
          ...(parents.length === 0 ? [] : [`after ${parents.join(' ')}`]),
          ...(writes.length === 0 ? [] : [`writes ${writes.join(' ')}`]),
          ...(reads.length === 0 ? [] : [`reads ${reads.join(' ')}`]),
          ...(concurrency === null ? [] : [`key ${concurrency.key} of ${concurrency.limit}`]),
        ].join(', '),
      ),
    ...events
      .filter(({ taskId }) => concerned.has(taskId))
      .toSorted((a, b) => a.id - b.id)
      .map(
        ({ id, taskId, taskVersion, type, from, to, workerId, claimToken, leaseNumber, message }) =>
          `event ${id} ${taskId} v${taskVersion} ${type} ${from ?? '-'} -> ${to ?? '-'}` +
          `${workerId === null ? '' : ` by ${workerId}`}${claimToken === null ? '' : ` token ${claimToken.slice(0, 8)}`}` +
          `${leaseNumber === null ? '' : ` lease ${leaseNumber}`}: ${message}`,
      ),
    ...effects
      .filter(({ taskId }) => concerned.has(taskId))
      .map(({ taskId, kind, run }) => `trace of ${taskId}: ran at a ${kind} executor as ${run.slice(0, 8)}`),
    ...explained
      .filter(({ taskId }) => concerned.has(taskId))
      .map(
        ({ taskId, isRunnable, codes, waitsFor }) =>
          `explained ${taskId}: ${isRunnable ? 'runnable' : 'not runnable'}, ${codes.join(' ') || 'no reason'}` +
          (waitsFor.length === 0 ? '' : `, waits for ${waitsFor.join(' ')}`),
      ),
  ];
}
