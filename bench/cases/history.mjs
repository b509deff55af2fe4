import * as seed from '../lib/seed.mjs';
import { empty, filled, toppedUp } from './entries.mjs';

const CLIENTS = 16;

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
      const full = await bench.contender('skynet-loaded');
      const missing = rows - stored;
      await full.session((client) => seed.ended(client, missing));
      await full.settle();
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
      await bench.compare(`enqueue, ${variant}`, entries('enqueue', empty, asItIs));
    }
    await bench.retire('skynet-loaded');
  },
};
