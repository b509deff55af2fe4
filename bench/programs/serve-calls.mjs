// The side of a load program that listens to the run: one message in, one answer out.

/** Says that a route, a binary or the like does not exist here. */
export class NotThere extends Error {}

/** @param {Record<string, (args: any) => unknown>} operations */
export function serveCalls(operations) {
  process.on('message', ({ id, operation, args }) => {
    Promise.resolve()
      .then(() => operations[operation](args))
      .then(
        (value) => process.send({ id, value: value ?? null }),
        (error) =>
          process.send({
            id,
            error: { message: String(error?.message ?? error), notThere: error instanceof NotThere },
          }),
      );
  });
  process.on('disconnect', () => process.exit(0));
}

/**
 * Calls `work(index)` for every index below `count`, `clients` of them at a time, and says how long it took.
 * @param {{ count: number, clients: number }} load @param {(index: number, client: number) => Promise<unknown>} work
 */
export async function spread({ count, clients }, work) {
  let next = 0;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      while (next < count) await work(next++, client);
    }),
  );
  return { done: count, seconds: (performance.now() - began) / 1_000 };
}

/** The sizes of the batches that make up `count`. @param {number} count @param {number} size */
export function batches(count, size) {
  return Array.from({ length: Math.ceil(count / size) }, (_, index) => Math.min(size, count - index * size));
}

/** Median and tail of times in milliseconds. @param {number[]} times */
export function spreadOfTimes(times) {
  const sorted = Float64Array.from(times).sort();
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return { p50_ms: at(0.5), p90_ms: at(0.9), p99_ms: at(0.99), max_ms: sorted.at(-1) };
}

/** Begins `count` things, `rate` a second. @param {(index: number) => Promise<unknown>} work */
export async function steadily({ count, rate }, work) {
  const began = performance.now();
  for (let index = 0; index < count; index++) {
    const due = began + (index * 1_000) / rate;
    await new Promise((done) => setTimeout(done, Math.max(0, due - performance.now())));
    await work(index);
  }
}
