import { alike, empty } from './entries.mjs';

const PEERS = ['pg-boss', 'graphile-worker', 'bullmq'];

export default {
  name: 'dispatch-latency',
  title: 'From enqueue to execution',
  about:
    'An idle system and tasks at a steady rate. Ours: from before the enqueue request is sent until the gateway has read the action, so it includes the HTTP call, the commit, the wake-up, the claim, the start and the call. Peers: from the call that adds the job until its handler runs in the same process; pg-boss with LISTEN/NOTIFY.',
  /** @param {import('../lib/bench.mjs').Bench} bench */
  async run(bench) {
    const { count, rate } = bench.sizes.latency;
    const what = { count, prepare: empty, args: { rate } };
    const [ours] = alike(['skynet-dispatching'], 'latency', what);
    // What is cleared under a running dispatcher is nothing that it will meet in production.
    const untouched = { ...ours, label: 'skynet', prepare: () => Promise.resolve() };
    await bench.compare(`${rate} tasks a second`, [untouched, ...alike(PEERS, 'latency', what)]);
    await bench.retire('skynet-dispatching');
  },
};
