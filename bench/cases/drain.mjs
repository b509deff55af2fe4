import { alike, filled } from './entries.mjs';

const IN_BATCHES = ['skynet', 'pg-boss', 'pgbench'];
const ONE_BY_ONE = ['graphile-worker', 'graphile-worker, local queue', 'bullmq'];

export default {
  name: 'drain',
  title: 'Drain a backlog',
  about:
    'A large backlog until it is empty: in batches of 100 by 4 clients where there are batches, else with 16 handlers at a time.',
  /** @param {import('../lib/bench.mjs').Bench} bench */
  async run(bench) {
    const count = bench.sizes.drain;
    await bench.compare(`${count.toLocaleString('en')} tasks`, [
      ...alike(IN_BATCHES, 'drain', { count, prepare: filled, args: { clients: 4, size: 100 } }),
      ...alike(ONE_BY_ONE, 'drain', { count, prepare: filled, args: { clients: 16 } }),
    ]);
  },
};
