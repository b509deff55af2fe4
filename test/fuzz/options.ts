import { parseArgs } from 'node:util';

export interface Options {
  readonly requests: number;
  readonly seed: number;
  readonly minutes: number;
  readonly json: boolean;
}

export const USAGE = `npm run test:fuzz -- [options]
  --requests <number>  how many (50000)
  --seed <number>      which ones; printed when left out
  --minutes <number>   the run ends after so many (30)
  --json               the result as JSON
`;

/** Throws what is wrong with the arguments. */
export function optionsFrom(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      requests: { type: 'string', default: '50000' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
      minutes: { type: 'string', default: '30' },
      json: { type: 'boolean', default: false },
    },
  });
  const { requests, seed, minutes, json } = values;
  return {
    requests: wholeNumber('--requests', requests),
    seed: wholeNumber('--seed', seed),
    minutes: wholeNumber('--minutes', minutes),
    json,
  };
}

function wholeNumber(name: string, value: string): number {
  if (!/^\d{1,8}$/.test(value)) throw new Error(`${name} must be a whole number, not '${value}'.`);
  return Number(value);
}
