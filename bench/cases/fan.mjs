import { filled } from './entries.mjs';

const CLIENTS = 8;

/** Begins with what an operation of the load program makes. @param {string} operation @param {object} args */
const prepared = (operation, args) => async (contender) => {
  await contender.clear();
  await contender.call(operation, args);
  await contender.settle();
};

export default {
  name: 'fan',
  title: 'Fan-out and fan-in',
  about: `Many tasks that wait for one, while ${CLIENTS} workers go on with other work: how long the completion of that one took, and the slowest claims before and after it. And one task that waits for many: from the last completion until a claim finds it.`,
  /** @param {import('../lib/bench.mjs').Bench} bench */
  async run(bench) {
    const out = { ...bench.sizes.fanOut, clients: CLIENTS };
    await bench.compare(`1 to ${out.children.toLocaleString('en')}`, [
      {
        label: 'skynet',
        contender: 'skynet',
        count: out.children,
        prepare: prepared('prepareFanOut', out),
        run: (contender) => contender.call('fanOut', out),
        cold: true,
      },
    ]);
    const into = { parents: bench.sizes.fanIn, clients: CLIENTS };
    await bench.compare(`${into.parents.toLocaleString('en')} to 1`, [
      {
        label: 'skynet, nobody waits',
        contender: 'skynet',
        count: into.parents,
        prepare: filled,
        run: (contender, count) => contender.call('cycle', { count, clients: CLIENTS }),
      },
      {
        label: 'skynet, one waits for all',
        contender: 'skynet',
        count: into.parents,
        prepare: prepared('prepareFanIn', into),
        run: (contender) => contender.call('fanIn', into),
        cold: true,
      },
    ]);
  },
};
