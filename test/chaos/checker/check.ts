import { type History, type LoggedEvent, type Submitted, type Violation } from './history.js';
import { effectRules } from './effects.js';
import { endRules } from './ends.js';
import { Replay } from './replay.js';

/**
 * Plays a history again and lists whatever breaks a promise. It knows nothing of the product but what the log says, and
 * decides nothing by time: the order of the log's ids is the order of the changes, since whatever excludes each other is
 * written one after the other.
 */
export function check(history: History): Violation[] {
  const submitted = new Map(history.submitted.map((task) => [task.id, task]));
  const replay = new Replay(submitted);
  const ordered = history.events.toSorted((a, b) => a.id - b.id);
  for (const event of ordered) replay.see(event);
  return [
    ...missing(history.submitted, ordered),
    ...replay.violations,
    ...effectRules(history, replay),
    ...endRules(history, replay),
  ];
}

function missing(submitted: readonly Submitted[], events: readonly LoggedEvent[]): Violation[] {
  const known = new Set(events.filter(({ type }) => type === 'enqueued').map(({ taskId }) => taskId));
  return submitted
    .filter(({ id, isAccepted }) => isAccepted && !known.has(id))
    .map(({ id }) => ({
      rule: 'accepted-is-there',
      text: `${id} was accepted, and the log does not know it.`,
      tasks: [id],
    }));
}
