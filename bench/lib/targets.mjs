// What the product wants to reach, each a ratio of two medians of one run.

/** @typedef {import('./bench.mjs').Comparison} Comparison */
/**
 * @typedef {object} Target
 * @property {string} text
 * @property {number} atLeast or at most, when `lower` is better
 * @property {number} aim
 * @property {boolean} [lower]
 * @property {string} case
 * @property {(comparison: Comparison) => boolean} where which comparisons of the case it is about; the last one counts
 * @property {string} ours
 * @property {string} theirs
 * @property {string} figure
 */

const variant = (text) => (comparison) => comparison.variant === text;
const any = () => true;

/** @type {Target[]} */
const targets = [
  {
    text: 'single calls over HTTP, claim→start→complete, 16 clients, against pg-boss fetch(1)+complete in process',
    atLeast: 1,
    aim: 1.5,
    case: 'cycle',
    where: variant('16 clients'),
    ours: 'skynet',
    theirs: 'pg-boss',
    figure: 'rate',
  },
  {
    text: 'the same against the raw pgbench cycle with three events',
    atLeast: 0.8,
    aim: 1.2,
    case: 'cycle',
    where: variant('16 clients'),
    ours: 'skynet',
    theirs: 'pgbench',
    figure: 'rate',
  },
  {
    text: 'batches of 100 over HTTP, drained, against pg-boss fetch(100)+complete(100) in process',
    atLeast: 0.5,
    aim: 1,
    case: 'drain-batch',
    where: variant('batches of 100'),
    ours: 'skynet',
    theirs: 'pg-boss',
    figure: 'rate',
  },
  {
    text: 'single enqueue over HTTP, 16 clients, against pg-boss insert one by one in process',
    atLeast: 1,
    aim: 2,
    case: 'enqueue',
    where: variant('16 clients'),
    ours: 'skynet',
    theirs: 'pg-boss',
    figure: 'rate',
  },
  {
    text: 'batch enqueue over HTTP against graphile-worker addJobs in process, batches of 100',
    atLeast: 0.5,
    aim: 1,
    case: 'enqueue-batch',
    where: variant('batches of 100'),
    ours: 'skynet',
    theirs: 'graphile-worker',
    figure: 'rate',
  },
  {
    text: 'claim with the largest backlog and blocked work in front, against empty',
    atLeast: 1.2,
    aim: 1,
    lower: true,
    case: 'claim-cost',
    where: ({ variant: name }) => name.startsWith('1 client'),
    ours: 'skynet, full',
    theirs: 'skynet, empty',
    figure: 'p50_ms',
  },
  {
    text: "enqueue to gateway, median at 10/s against graphile-worker's enqueue to handler",
    atLeast: 2,
    aim: 1,
    lower: true,
    case: 'dispatch-latency',
    where: any,
    ours: 'skynet',
    theirs: 'graphile-worker',
    figure: 'p50_ms',
  },
  {
    text: 'jobs handed in over HTTP, 16 clients, against tasks',
    atLeast: 1 / 1.2,
    aim: 1,
    case: 'jobs',
    where: variant('hand in, 16 clients'),
    ours: 'jobs',
    theirs: 'tasks',
    figure: 'rate',
  },
  {
    text: 'jobs claimed and completed over HTTP, 16 clients, against tasks',
    atLeast: 1 / 1.2,
    aim: 1,
    case: 'jobs',
    where: variant('claim and complete, 16 clients'),
    ours: 'jobs',
    theirs: 'tasks',
    figure: 'rate',
  },
];

/** The names of the cases that a target is about. */
export const casesWithTargets = new Set(targets.map((target) => target.case));

/** Whether a comparison is one that a target is about. @param {Pick<Comparison, 'case' | 'variant'>} comparison */
export const hasTarget = (comparison) =>
  targets.some((target) => target.case === comparison.case && target.where(comparison));

/** @param {Comparison[]} comparisons */
export function judge(comparisons) {
  return targets.map((target) => {
    const { text, atLeast, aim, lower = false, case: name, where, ours, theirs, figure } = target;
    const found = comparisons.filter((comparison) => comparison.case === name && where(comparison)).at(-1);
    const of = (label) => found?.lines.find((line) => line.label === label);
    const [mine, other] = [of(ours)?.median[figure], of(theirs)?.median[figure]];
    const ratio = mine === undefined || other === undefined ? null : mine / other;
    const meets = (bound) => ratio !== null && (lower ? ratio <= bound : ratio >= bound);
    const missing = found === undefined ? 'not run' : (of(ours)?.note ?? of(theirs)?.note ?? 'no figure');
    return {
      text,
      at_least: atLeast,
      aim,
      lower_is_better: lower,
      where: found?.variant ?? null,
      ratio,
      verdict:
        ratio === null ? missing : meets(aim) ? 'aim reached' : meets(atLeast) ? 'reached' : 'not reached',
    };
  });
}
