import { filled } from './entries.mjs';

const CLIENTS = 16;
const HOT_PATHS = 4;
const SHARES = [0, 25, 90];

export default {
  name: 'files',
  title: 'With files',
  about: `Claim→start→complete by ${CLIENTS} clients. Every task needs a file: a share of them one of ${HOT_PATHS} paths that all want, the others one of their own. A worker that gets nothing asks again after 2 ms.`,
  /** @param {import('../lib/bench.mjs').Bench} bench */
  async run(bench) {
    const count = bench.sizes.files;
    const run = (contender, tasks) => contender.call('cycle', { count: tasks, clients: CLIENTS });
    const withFiles = (share) => async (contender, tasks) => {
      await contender.clear();
      await contender.call('fillWithFiles', { count: tasks, share, hot: HOT_PATHS });
      await contender.settle();
    };
    await bench.compare(`${CLIENTS} clients`, [
      { label: 'no files', contender: 'skynet', count, prepare: filled, run },
      ...SHARES.map((share) => ({
        label: `${share} % conflicts`,
        contender: 'skynet',
        count,
        prepare: withFiles(share),
        run,
      })),
    ]);
  },
};
