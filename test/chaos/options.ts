import { parseArgs } from 'node:util';

export interface Options {
  readonly seed: number;
  readonly points: number;
  /** Scenarios to run; null: all. */
  readonly only: readonly string[] | null;
  readonly json: boolean;
  /** Whether the planted bugs are to be found instead. */
  readonly bugs: boolean;
  /** The program, or null to go to PostgreSQL directly. */
  readonly pgbouncer: string | null;
}

export const USAGE = `npm run test:chaos -- [options]
  --long             1,000 points instead of 200
  --points <number>  so many points
  --seed <number>    what happens when; printed when left out
  --only <names>     scenarios, with commas between them
  --bugs             plants bugs in a copy of the product and shows that they are found
  --pgbouncer <path> the PgBouncer to use, 1.21 or newer (pgbouncer)
  --direct           without PgBouncer
  --json             results as JSON
`;

/** Throws what is wrong with the arguments. */
export function optionsFrom(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      long: { type: 'boolean', default: false },
      points: { type: 'string' },
      seed: { type: 'string' },
      only: { type: 'string' },
      bugs: { type: 'boolean', default: false },
      pgbouncer: { type: 'string', default: 'pgbouncer' },
      direct: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  return {
    seed: wholeNumber('--seed', values.seed) ?? Math.floor(Math.random() * 1_000_000),
    points: wholeNumber('--points', values.points) ?? (values.long ? 1_000 : 200),
    only: values.only?.split(',') ?? null,
    json: values.json,
    bugs: values.bugs,
    pgbouncer: values.direct ? null : values.pgbouncer,
  };
}

function wholeNumber(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d{1,9}$/.test(value)) throw new Error(`${name} must be a whole number, not '${value}'.`);
  return Number(value);
}
