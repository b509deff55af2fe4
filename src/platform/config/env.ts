import { closestName } from './closest-name.js';
import { variables, type VariableName, type Variable } from './variables/index.js';

/** Where variables come from: `process.env`, or a literal in a test. */
export type EnvSource = Readonly<Record<string, string | undefined>>;

const ON = new Set(['1', 'true', 'yes', 'on']);
const OFF = new Set(['0', 'false', 'no', 'off']);

/**
 * Reads the environment by the catalogue in `variables/`. An empty value counts as unset. A value that does not
 * parse falls back to the default with a warning that names the variable and never shows its value.
 */
export class Env {
  private readonly found: string[] = [];

  constructor(private readonly source: EnvSource) {}

  /** What was wrong so far, a sentence each, for the start-up log. */
  get warnings(): readonly string[] {
    return this.found;
  }

  isSet(name: VariableName): boolean {
    return this.raw(name) !== undefined;
  }

  text(name: VariableName): string {
    return this.raw(name) ?? defaultOf(name);
  }

  integer(name: VariableName, { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = {}): number {
    const fallback = Number(defaultOf(name));
    return this.parse(name, fallback, `a whole number from ${min} to ${max}`, (raw) => {
      const value = /^[+-]?\d+$/.test(raw) ? Number(raw) : NaN;
      return value >= min && value <= max ? value : undefined;
    });
  }

  number(name: VariableName, { min, max }: { min: number; max: number }): number {
    return this.parse(name, Number(defaultOf(name)), `a number from ${min} to ${max}`, (raw) => {
      const value = Number(raw);
      return value >= min && value <= max ? value : undefined;
    });
  }

  /** On for 1, true, yes, on; off for 0, false, no, off. */
  flag(name: VariableName): boolean {
    return this.parse(name, ON.has(defaultOf(name)), '1 or 0', (raw) => {
      const word = raw.toLowerCase();
      return ON.has(word) ? true : OFF.has(word) ? false : undefined;
    });
  }

  oneOf<T extends string>(name: VariableName, allowed: readonly T[]): T {
    const pick = (raw: string) => allowed.find((word) => word.toLowerCase() === raw.toLowerCase());
    const fallback = pick(defaultOf(name)) ?? allowed[0];
    if (fallback === undefined) throw new Error(`${name} allows nothing.`);
    return this.parse(name, fallback, `one of ${allowed.join(', ')}`, pick);
  }

  /** A comma-separated list; blanks are dropped. */
  list(name: VariableName): string[] {
    return this.text(name)
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '');
  }

  /** The value as `read` makes it; undefined when it is unset, and with a warning when it is not what is `wanted`. */
  optional<T>(name: VariableName, wanted: string, read: (raw: string) => T | undefined): T | undefined {
    const raw = this.raw(name);
    if (raw === undefined) return undefined;
    const value = read(raw);
    if (value === undefined) this.found.push(`${name} should be ${wanted}; it is ignored.`);
    return value;
  }

  /** The entries of a list that `accepts`; the others are left out with one warning. */
  listOf(name: VariableName, wanted: string, accepts: (entry: string) => boolean): string[] {
    const entries = this.list(name);
    const good = entries.filter(accepts);
    if (good.length < entries.length) {
      this.found.push(
        `${name} should be a list of ${wanted}; ${entries.length - good.length} of its entries are ignored.`,
      );
    }
    return good;
  }

  /** Warns of names in our name space that no program reads, and of those that are accepted without effect. */
  checkNames(): void {
    for (const { name, meant } of unknownNames(this.source)) {
      this.found.push(
        `${name} is not a setting of this program.${meant === undefined ? '' : ` Did you mean ${meant}?`}`,
      );
    }
    for (const name of namesSet(this.source)) {
      const why = (variables as Partial<Record<string, Variable>>)[name]?.ignored;
      if (why !== undefined) this.found.push(`${name} has no effect: ${why}.`);
    }
  }

  private raw(name: VariableName): string | undefined {
    const value = this.source[name]?.trim();
    return value === '' ? undefined : value;
  }

  private parse<T>(name: VariableName, fallback: T, wanted: string, read: (raw: string) => T | undefined): T {
    const raw = this.raw(name);
    if (raw === undefined) return fallback;
    const value = read(raw);
    if (value !== undefined) return value;
    this.found.push(
      `${name} should be ${wanted}; its default${defaultOf(name) === '' ? '' : ` ${defaultOf(name)}`} is used.`,
    );
    return fallback;
  }
}

/** The names of our name space that are set. */
function namesSet(source: EnvSource): string[] {
  return Object.keys(source).filter(
    (name) => /^(SKYNET|SKYCLAW|OPENCLAW)_/.test(name) && (source[name] ?? '') !== '',
  );
}

/** Names in our name space that no program reads, each with the setting that was probably meant. */
export function unknownNames(source: EnvSource): { readonly name: string; readonly meant?: string }[] {
  return namesSet(source)
    .filter((name) => !(name in variables))
    .map((name) => {
      const meant = closestName(name, Object.keys(variables));
      return meant === undefined ? { name } : { name, meant };
    });
}

function defaultOf(name: VariableName): string {
  return (variables[name] as Variable).default ?? '';
}
