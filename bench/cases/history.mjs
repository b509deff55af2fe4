import * as seed from '../lib/seed.mjs';
import { filled } from './entries.mjs';

const CLIENTS = 16;

const toppedUp = (contender, count) => contender.fill(count);
const asItIs = () => Promise.resolve();

export default {
  name: 'history',
  title: 'With a long history',
  about: `Enqueue, and claim→start→complete, by ${CLIENTS} clients with so many tasks that have ended, against a ledger without history.`,
  /** @param {import('../lib/bench.mjs').Bench} bench */
  async run(bench) {
    const count = bench.sizes.singles;
    let stored = 0;
    for (const rows of bench.sizes.history) {
      const variant = `${rows.toLocaleString('en')} ended tasks`;
      bench.progress.say(`Filling a ledger: ${variant}`);
      const full = /** @type {import('../contenders/skynet.mjs').Skynet} */ (await bench.contender('skynet-loaded'));
      await full.seed(async (client) => {
        await seed.ended(client, rows - stored);
        await seed.settle(client);
      });
      stored = rows;
      const entries = (operation, clean, used) => {
        const run = (contender, tasks) => contender.call(operation, { count: tasks, clients: CLIENTS });
        return [
          { label: 'skynet, empty', contender: 'skynet', count, prepare: clean, run },
          { label: 'skynet, with history', contender: 'skynet-loaded', count, prepare: used, run },
        ];
      };
      // The cycle first: what the enqueue leaves behind would be claimed before what it is given.
      await bench.compare(`cycle, ${variant}`, entries('cycle', filled, toppedUp));
      await bench.compare(`enqueue, ${variant}`, entries('enqueue', (contender) => contender.clear(), asItIs));
    }
    await bench.retire('skynet-loaded');
  },
};
