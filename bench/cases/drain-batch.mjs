import { alike, filled } from './entries.mjs';

const NAMES = ['skynet', 'pg-boss', 'pgbench'];
const CLIENTS = 4;

export default {
  name: 'drain-batch',
  title: 'Claim and complete in batches',
  about: `Batches of one size by ${CLIENTS} clients at a time: claimed with their start in one call, completed in another that returns the next batch; fetch(n) and complete(n) for pg-boss.`,
  /** @param {import('../lib/bench.mjs').Bench} bench */
  async run(bench) {
    for (const size of bench.sizes.batches) {
      const what = { count: bench.sizes.batched, prepare: filled, args: { clients: CLIENTS, size } };
      await bench.compare(`batches of ${size}`, alike(NAMES, 'drain', what));
    }
  },
};
