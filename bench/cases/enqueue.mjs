import { alike, empty } from './entries.mjs';

const NAMES = ['skynet', 'pg-boss', 'graphile-worker', 'bullmq', 'pgbench'];

export default {
  name: 'enqueue',
  title: 'Enqueue one by one',
  about:
    'One task a call: over HTTP with keep-alive for ours, in process for the peers, one row and one event for pgbench.',
  /** @param {import('../lib/bench.mjs').Bench} bench */
  async run(bench) {
    for (const clients of bench.sizes.clients) {
      const what = { count: bench.sizes.singles, prepare: empty, args: { clients } };
      await bench.compare(`${clients} clients`, alike(NAMES, 'enqueue', what));
    }
  },
};
