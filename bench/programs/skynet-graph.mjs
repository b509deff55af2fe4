// Tasks that many wait for, and tasks that wait for many.
import { setTimeout as wait } from 'node:timers/promises';
import { batches, NotThere, spread, spreadOfTimes } from './serve-calls.mjs';

const LARGEST_BATCH = 100;

/** Hands tasks in, in batches where the route exists. */
async function handIn(tasks, connections, enqueueBatch) {
  const sizes = batches(tasks.length, LARGEST_BATCH);
  const part = (index) => tasks.slice(index * LARGEST_BATCH, index * LARGEST_BATCH + sizes[index]);
  try {
    await spread({ count: sizes.length, clients: 2 }, (index, client) => enqueueBatch(connections[client], part(index)));
  } catch (error) {
    if (!(error instanceof NotThere)) throw error;
    const clients = connections.length;
    await spread({ count: tasks.length, clients }, (index, client) =>
      connections[client].post('/v1/tasks/enqueue', tasks[index]),
    );
  }
}

/**
 * One task ends and `children` become ready, while other workers go on with work of their own. Figures: how long that
 * completion took, the worst claim of the others before and from then on, and the pace at which the children end.
 */
export async function fanOut({ children, others, clients }, { workers, body, enqueueBatch }) {
  const all = workers(clients + 1);
  const [finisher, ...rest] = all;
  const connections = all.map(({ connection }) => connection);
  const root = 'fan-out-root';
  await finisher.connection.post('/v1/tasks/enqueue', body(0, { task_id: root, priority: 10 }));
  const waiting = Array.from({ length: children }, (_, index) => body(index, { dependencies: [root] }));
  await handIn(waiting, connections, enqueueBatch);
  await handIn(Array.from({ length: others }, (_, index) => body(index, { priority: 5 })), connections, enqueueBatch);
  const held = await finisher.claim();
  if (held?.id !== root) throw new Error('The root of the fan-out is not what a claim finds first');
  await finisher.start(held);

  const claims = [];
  let ended = 0;
  let stop = false;
  const busy = rest.map(async (worker) => {
    while (!stop) {
      const at = performance.now();
      const task = await worker.claim();
      claims.push({ at, took: performance.now() - at });
      if (task === null) {
        await wait(2);
        continue;
      }
      await worker.start(task);
      await worker.complete(task);
      if (++ended >= others + children) stop = true;
    }
  });
  while (ended < others / 4) await wait(1);
  const before = performance.now();
  await finisher.complete(held);
  const completed = performance.now();
  await Promise.all(busy);
  const finished = performance.now();
  const quiet = claims.filter(({ at, took }) => at + took < before).map(({ took }) => took);
  const after = claims.filter(({ at, took }) => at + took >= before).map(({ took }) => took);
  return {
    done: children,
    seconds: (finished - before) / 1_000,
    figures: {
      completion_ms: completed - before,
      claim_max_before_ms: spreadOfTimes(quiet).max_ms,
      claim_p99_after_ms: spreadOfTimes(after).p99_ms,
      claim_max_after_ms: spreadOfTimes(after).max_ms,
    },
  };
}

/** `parents` end, and one task waits for all of them. Figures: from the last completion until a claim finds it. */
export async function fanIn({ parents, clients }, { workers, body }) {
  const all = workers(clients);
  const ids = Array.from({ length: parents }, (_, index) => `fan-in-${index}`);
  await spread({ count: parents, clients }, (index, client) =>
    all[client].connection.post('/v1/tasks/enqueue', body(index, { task_id: ids[index] })),
  );
  await all[0].connection.post('/v1/tasks/enqueue', body(0, { task_id: 'fan-in-child', dependencies: ids }));

  const progress = { claimed: 0, ended: 0, count: parents, empty: 0 };
  const began = performance.now();
  await Promise.all(all.map((worker) => worker.cycles(progress)));
  const last = performance.now();
  let child = await all[0].claim();
  while (child === null) child = await all[0].claim();
  const found = performance.now();
  await all[0].start(child);
  await all[0].complete(child);
  return { done: parents, seconds: (last - began) / 1_000, figures: { child_ready_ms: found - last } };
}
