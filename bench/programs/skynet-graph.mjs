// Tasks that many wait for, and tasks that wait for many.
import { setTimeout as wait } from 'node:timers/promises';
import { batches, NotThere, spread, spreadOfTimes } from './serve-calls.mjs';

const LARGEST_BATCH = 100;

/** Hands tasks in, in batches where the route exists. */
async function handIn(tasks, connections, enqueueBatch) {
  const sizes = batches(tasks.length, LARGEST_BATCH);
  const part = (index) => tasks.slice(index * LARGEST_BATCH, index * LARGEST_BATCH + sizes[index]);
  try {
    await spread({ count: sizes.length, clients: 2 }, (index, client) =>
      enqueueBatch(connections[client], part(index)),
    );
  } catch (error) {
    if (!(error instanceof NotThere)) throw error;
    const clients = connections.length;
    await spread({ count: tasks.length, clients }, (index, client) =>
      connections[client].post('/v1/tasks/enqueue', tasks[index]),
    );
  }
}

const ROOT = 'fan-out-root';
/** The root between its preparation and its end. @type {{ id: string, claim_token: string } | null} */
let held = null;

/** One claimed and started task, `children` that wait for it, and `others` that anybody may claim before them. */
export async function prepareFanOut({ children, others, clients }, { workers, body, enqueueBatch }) {
  const all = workers(clients + 1);
  const [finisher] = all;
  const connections = all.map(({ connection }) => connection);
  await finisher.connection.post('/v1/tasks/enqueue', body(0, { task_id: ROOT }));
  held = await finisher.claim();
  await finisher.start(held);
  const waiting = Array.from({ length: children }, (_, index) => body(index, { dependencies: [ROOT] }));
  await handIn(waiting, connections, enqueueBatch);
  await handIn(
    Array.from({ length: others }, (_, index) => body(index, { priority: 5 })),
    connections,
    enqueueBatch,
  );
}

/**
 * The task ends and its children become ready, while other workers go on. Figures: how long that completion took, and
 * the slowest claims of the others until then and from then on.
 */
export async function fanOut({ children, others, clients }, { workers }) {
  const [finisher, ...rest] = workers(clients + 1);
  /** @type {{ until: number, took: number }[]} */
  const claims = [];
  let ended = 0;
  const began = performance.now();
  const busy = rest.map(async (worker) => {
    while (ended < others + children) {
      const at = performance.now();
      const task = await worker.claim();
      const until = performance.now();
      claims.push({ until, took: until - at });
      if (task === null) {
        await wait(2);
        continue;
      }
      await worker.start(task);
      await worker.complete(task);
      ended++;
    }
  });
  while (ended < others / 4) await wait(1);
  const before = performance.now();
  await finisher.complete(held);
  const completion_ms = performance.now() - before;
  await Promise.all(busy);
  const timesOf = (from, to) =>
    claims.filter(({ until }) => until >= from && until < to).map(({ took }) => took);
  const [quiet, after] = [spreadOfTimes(timesOf(0, before)), spreadOfTimes(timesOf(before, Infinity))];
  return {
    done: others + children,
    seconds: (performance.now() - began) / 1_000,
    figures: {
      completion_ms,
      claim_p99_before_ms: quiet.p99_ms,
      claim_max_before_ms: quiet.max_ms,
      claim_p99_after_ms: after.p99_ms,
      claim_max_after_ms: after.max_ms,
    },
  };
}

/** `parents` ready tasks, and one that waits for all of them. */
export async function prepareFanIn({ parents, clients }, { workers, body }) {
  const all = workers(clients);
  const ids = Array.from({ length: parents }, (_, index) => `fan-in-${index}`);
  await spread({ count: parents, clients }, (index, client) =>
    all[client].connection.post('/v1/tasks/enqueue', body(index, { task_id: ids[index] })),
  );
  await all[0].connection.post('/v1/tasks/enqueue', body(0, { task_id: 'fan-in-child', dependencies: ids }));
}

/** The parents end. Figures: from the last completion until a claim finds the child. */
export async function fanIn({ parents, clients }, { workers }) {
  const all = workers(clients);
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
