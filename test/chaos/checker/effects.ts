import { type Effect, type History, type Submitted, type Violation } from './history.js';
import { type Replay } from './replay.js';

/**
 * What the traces of the actions have to say. An execution's key is the claim's token for a worker, one of a claim for a
 * host, and for a gateway one for the whole life of the task: whoever takes a dispatch over asks for the same execution.
 */
export function effectRules({ submitted, effects }: History, replay: Replay): Violation[] {
  const byTask = new Map<string, Effect[]>();
  for (const effect of effects) byTask.set(effect.taskId, [...(byTask.get(effect.taskId) ?? []), effect]);
  return submitted.flatMap((task) => [...rulesOf(task, byTask.get(task.id) ?? [], replay)]);
}

function* rulesOf({ id, kind }: Submitted, runs: readonly Effect[], replay: Replay): Iterable<Violation> {
  const seen = replay.seen.get(id);
  const tasks = [id];
  const allowed = kind === 'push' ? 1 + (seen?.retries ?? 0) : (seen?.claims ?? 0);
  if (kind === 'pull') {
    for (const run of new Set(runs.map((effect) => effect.run))) {
      const times = runs.filter((effect) => effect.run === run).length;
      if (times > 1)
        yield { rule: 'one-run-per-key', text: `${id} ran ${times} times under one key.`, tasks };
      if (seen?.tokens.has(run) !== true) {
        yield { rule: 'runs-are-claimed', text: `${id} ran under a key that the log does not know.`, tasks };
      }
    }
  } else if (runs.length > allowed) {
    const keys = allowed === 1 ? 'one key' : `${allowed} keys`;
    yield { rule: 'one-run-per-key', text: `${id} ran ${runs.length} times under ${keys}.`, tasks };
  }
  if (runs.length > 0 && (seen?.claims ?? 0) === 0) {
    yield { rule: 'runs-are-claimed', text: `${id} ran, and no claim of it was ever told.`, tasks };
  }
  if (runs.length === 0 && seen?.status === 'succeeded') {
    yield { rule: 'success-left-its-trace', text: `${id} succeeded, and never ran.`, tasks };
  }
}
