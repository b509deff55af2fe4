import { empty, filled } from './entries.mjs';

const CLIENTS = 8;

export default {
  name: 'fan',
  title: 'Fan-out and fan-in',
  about: `Many tasks that wait for one, while ${CLIENTS} workers go on with other work: how long the completion of that one took, and the slowest claim before and after it. And one task that waits for many: from the last completion until a claim finds it.`,
  /** @param {import('../lib/bench.mjs').Bench} bench */
  async run(bench) {
    const { fanOut, fanIn } = bench.sizes;
    await bench.compare(`1 to ${fanOut.children.toLocaleString('en')}`, [
      {
        label: 'skynet',
        contender: 'skynet',
        count: fanOut.children,
        prepare: empty,
        run: (contender, children) => contender.call('fanOut', { children, others: fanOut.others, clients: CLIENTS }),
        cold: true,
      },
    ]);
    await bench.compare(`${fanIn.toLocaleString('en')} to 1`, [
      {
        label: 'skynet, nobody waits',
        contender: 'skynet',
        count: fanIn,
        prepare: filled,
        run: (contender, count) => contender.call('cycle', { count, clients: CLIENTS }),
      },
      {
        label: 'skynet, one waits for all',
        contender: 'skynet',
        count: fanIn,
        prepare: empty,
        run: (contender, parents) => contender.call('fanIn', { parents, clients: CLIENTS }),
        cold: true,
      },
    ]);
  },
};
