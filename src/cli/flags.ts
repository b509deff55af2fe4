import { InvalidArgumentError } from 'commander';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `500ms`, `90s`, `10m`, `1.5h` or `7d`, in milliseconds. A number without a unit is refused, since it would be guessed. */
export function durationFlag(value: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value) ?? [];
  const factor = UNITS[unit];
  if (factor === undefined) throw new InvalidArgumentError('It must be a duration such as 30s, 10m or 2h.');
  return Math.round(Number(number) * factor);
}

/** A whole number that is not negative. */
export function countFlag(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new InvalidArgumentError('It must be a whole number, 0 or more.');
  return Number(value);
}

/** A whole number of either sign. */
export function integerFlag(value: string): number {
  if (!/^-?\d{1,9}$/.test(value)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(value);
}

/** Collects a flag that may be given several times. */
export function listFlag(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** Collects `NAME=value`; the value may be empty and may contain `=`. */
export function pairsFlag(
  value: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const [, name, text] = /^([^=]+)=(.*)$/s.exec(value) ?? [];
  if (name === undefined || text === undefined)
    throw new InvalidArgumentError('It must look like NAME=value.');
  return { ...before, [name]: text };
}

/** A port from the command line. */
export function portFlag(value: string): string {
  if (!/^\d{1,5}$/.test(value) || Number(value) > 65_535) {
    throw new InvalidArgumentError('It must be a whole number from 0 to 65535.');
  }
  return value;
}
