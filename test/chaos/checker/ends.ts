import { type Explained, type History, type Submitted, type Violation } from './history.js';
import { Replay } from './replay.js';

/**
 * Everything ends or says why not. All faults are mended by then and nobody pauses anything, so a task that could run and
 * does not, or says nothing, stands still; and who says that it waits for a task has to name one that has not ended.
 */
export function endRules({ submitted, explained }: History, replay: Replay): Violation[] {
  const reasons = new Map(explained.map((entry) => [entry.taskId, entry]));
  return submitted.flatMap((task) => {
    const status = replay.seen.get(task.id)?.status ?? null;
    if (status === null || Replay.isEnd(status)) return childOfAFailure(task, status, replay);
    const why = standsStill(reasons.get(task.id), replay);
    const text = `${task.id} was left ${status}: ${why}.`;
    return why === null ? [] : [{ rule: 'ends-or-says-why', text, tasks: [task.id] }];
  });
}

function standsStill(reason: Explained | undefined, replay: Replay): string | null {
  if (reason === undefined) return 'nothing is known of it';
  if (reason.isRunnable) return 'it could run, and nobody takes it';
  if (reason.codes.length === 0) return 'no reason is given';
  const over = reason.waitsFor.filter((id) => Replay.isEnd(replay.seen.get(id)?.status ?? null));
  if (over.length > 0) return `it says that it waits for ${over.join(', ')}, which ended`;
  if (reason.codes.includes('waiting_for_file') && reason.waitsFor.length === 0)
    return 'it says that it waits for a file, and names nobody who has it';
  return null;
}

function childOfAFailure(task: Submitted, status: string | null, replay: Replay): Violation[] {
  if (status !== 'succeeded') return [];
  const failed = task.parents.find((id) => replay.seen.get(id)?.status?.startsWith('failed') === true);
  if (failed === undefined) return [];
  const text = `${task.id} succeeded although ${failed} failed.`;
  return [{ rule: 'parents-before-children', text, tasks: [failed, task.id] }];
}
