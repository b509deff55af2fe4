import { alike, filled } from './entries.mjs';

const PEERS = ['pg-boss', 'graphile-worker', 'graphile-worker, local queue', 'bullmq', 'pgbench'];

export default {
  name: 'cycle',
  title: 'Claim, start, complete one by one',
  about:
    'Ready tasks, taken one at a time: three calls a task over HTTP, or one when the completion returns the next claim; fetch(1) and complete for pg-boss, as many handlers at a time as there are clients for the others, three statements with an event each for pgbench.',
  /** @param {import('../lib/bench.mjs').Bench} bench */
  async run(bench) {
    for (const clients of bench.sizes.clients) {
      const what = { count: bench.sizes.singles, prepare: filled, args: { clients } };
      const [three] = alike(['skynet'], 'cycle', what);
      const [next] = alike(['skynet'], 'cycle', { ...what, args: { clients, way: 'next' } });
      const entries = [three, { ...next, label: 'skynet, claim_next' }, ...alike(PEERS, 'cycle', what)];
      await bench.compare(`${clients} clients`, entries);
    }
  },
};
