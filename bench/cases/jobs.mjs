import { empty } from './entries.mjs';

/** @type {import('../lib/bench.mjs').Entry['prepare']} */
const filledWithTasks = async (contender, count) => {
  await contender.clear();
  await contender.fill(count);
  await contender.settle();
};

/** @type {import('../lib/bench.mjs').Entry['prepare']} */
const filledWithJobs = async (contender, count) => {
  await contender.clear();
  await contender.fillJobs(count);
  await contender.settle();
};

export default {
  name: 'jobs',
  title: 'Jobs beside tasks',
  about:
    'The same ledger by its two faces, over HTTP: handing in one by one, and two calls each, of which the first claims and starts and the second completes. A job is claimed within what its host may hold, and every answer shows it whole.',
  /** @param {import('../lib/bench.mjs').Bench} bench */
  async run(bench) {
    for (const clients of bench.sizes.clients) {
      const entry = (label, operation, prepare) => ({
        ...{ label, contender: 'skynet', count: bench.sizes.singles, prepare },
        run: (contender, count) => contender.call(operation, { count, clients }),
      });
      await bench.compare(`hand in, ${clients} clients`, [
        entry('jobs', 'submitJobs', empty),
        entry('tasks', 'enqueue', empty),
      ]);
      await bench.compare(`claim and complete, ${clients} clients`, [
        entry('jobs', 'twoCallJobs', filledWithJobs),
        entry('tasks', 'twoCallTasks', filledWithTasks),
      ]);
    }
  },
};
