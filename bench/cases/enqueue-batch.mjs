import { alike, empty } from './entries.mjs';

const NAMES = ['skynet', 'pg-boss', 'graphile-worker', 'bullmq', 'pgbench'];
const CLIENTS = 4;

export default {
  name: 'enqueue-batch',
  title: 'Enqueue in batches',
  about: `Batches of one size by ${CLIENTS} clients at a time.`,
  /** @param {import('../lib/bench.mjs').Bench} bench */
  async run(bench) {
    for (const size of bench.sizes.batches) {
      const what = { count: bench.sizes.batched, prepare: empty, args: { clients: CLIENTS, size } };
      await bench.compare(`batches of ${size}`, alike(NAMES, 'enqueueBatch', what));
    }
  },
};
