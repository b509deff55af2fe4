// The entries that several cases share.

/** @typedef {import('../lib/bench.mjs').Entry} Entry */

/** Begins with nothing. @type {Entry['prepare']} */
export const empty = (contender) => contender.clear();

/** Begins with just the tasks that are to be done. @type {Entry['prepare']} */
export const filled = async (contender, count) => {
  await contender.clear();
  await contender.fill(count);
  await contender.settle();
};

/** Puts back what is about to be taken, so that what else is there stays. @type {Entry['prepare']} */
export const toppedUp = async (contender, count) => {
  await contender.fill(count);
  await contender.settle();
};

/**
 * The same operation for several contenders. A peer without clients runs as many at a time in its process.
 * @param {string[]} names @param {string} operation
 * @param {{ count: number, prepare: Entry['prepare'], args: object }} what @returns {Entry[]}
 */
export function alike(names, operation, { count, prepare, args }) {
  return names.map((name) => ({
    label: name,
    contender: name,
    count,
    prepare,
    run: (contender, tasks) => contender.call(operation, { count: tasks, ...args }),
  }));
}
