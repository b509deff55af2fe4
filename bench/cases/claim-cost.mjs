import * as seed from '../lib/seed.mjs';
import { filled, toppedUp } from './entries.mjs';

/** @typedef {{ waiting: number, byDependency: number, byFile: number }} Load */

const named = (number) => number.toLocaleString('en');

/** @param {Load} load */
const describe = ({ waiting, byDependency, byFile }) =>
  [
    `${named(waiting)} waiting`,
    ...(byDependency > 0 ? [`${named(byDependency)} blocked by dependency`] : []),
    ...(byFile > 0 ? [`${named(byFile)} blocked by file`] : []),
  ].join(', ');

/** The fullest comes last: the target is about it. @param {import('../lib/bench.mjs').Bench} bench @returns {Load[]} */
function loads({ sizes: { waiting, blocked, fullest } }) {
  const [few] = waiting;
  return [
    ...waiting.map((count) => ({ waiting: count, byDependency: 0, byFile: 0 })),
    ...blocked.map((count) => ({ waiting: few, byDependency: count, byFile: 0 })),
    ...blocked.map((count) => ({ waiting: few, byDependency: 0, byFile: count })),
    fullest,
  ];
}

/** @param {import('../contenders/skynet.mjs').Skynet} full @param {Load} load */
async function seedLoad(full, { waiting, byDependency, byFile }) {
  await full.session(async (client) => {
    await seed.clear(client);
    if (byDependency > 0) await seed.blockedByDependency(client, byDependency);
    if (byFile > 0) await seed.blockedByFile(client, byFile);
    await seed.ready(client, waiting);
  });
  await full.settle();
}

export default {
  name: 'claim-cost',
  title: 'What a claim costs',
  about:
    'Claims alone, with a backlog and with blocked work of higher priority in front, against a ledger that holds nothing but what is claimed.',
  /** @param {import('../lib/bench.mjs').Bench} bench */
  async run(bench) {
    for (const load of loads(bench)) {
      const variant = describe(load);
      bench.progress.say(`Filling a ledger: ${variant}`);
      await seedLoad(await bench.contender('skynet-loaded'), load);
      const entries = (count, clients) => {
        const run = (contender, tasks) => contender.call('claims', { count: tasks, clients });
        return [
          { label: 'skynet, empty', contender: 'skynet', count, prepare: filled, run },
          { label: 'skynet, full', contender: 'skynet-loaded', count, prepare: toppedUp, run },
        ];
      };
      await bench.compare(`16 clients, ${variant}`, entries(bench.sizes.claims.many, 16));
      await bench.compare(`1 client, ${variant}`, entries(bench.sizes.claims.one, 1));
    }
    await bench.retire('skynet-loaded');
  },
};
