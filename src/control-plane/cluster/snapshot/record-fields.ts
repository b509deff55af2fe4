import { type Instant } from '../../../platform/database/row.js';
import { parseInstant } from '../../../platform/http/parse-instant.js';
import { type Stamp } from '../domain/stamp.js';

/** What is wrong with a record, and where: `jobs[3].attempts must be …`. */
export class RecordFault extends Error {
  constructor(place: string, what: string) {
    super(`${place} ${what}`);
    this.name = 'RecordFault';
  }
}

type Bounds = Readonly<{ min: number; max: number }>;

/** Reads the fields of one record of a snapshot. Every reader throws a {@link RecordFault} that names the place. */
export class RecordFields {
  private constructor(
    private readonly raw: Readonly<Record<string, unknown>>,
    readonly place: string,
  ) {}

  static of(raw: unknown, place: string): RecordFields {
    if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
      throw new RecordFault(place, 'must be an object');
    }
    return new RecordFields(raw as Record<string, unknown>, place);
  }

  /** A field as it came; null when it is not there. */
  value(name: string): unknown {
    return Object.hasOwn(this.raw, name) ? (this.raw[name] ?? null) : null;
  }

  fail(name: string, what: string): never {
    throw new RecordFault(`${this.place}.${name}`, what);
  }

  /** A text that is there and not blank, trimmed. */
  text(name: string, maxLength: number): string {
    const value = this.textOrNull(name, maxLength)?.trim() ?? '';
    return value === '' ? this.fail(name, 'is required') : value;
  }

  textOrNull(name: string, maxLength: number): string | null {
    const value = this.value(name);
    if (value === null) return null;
    if (typeof value !== 'string') this.fail(name, 'must be a text');
    return value.length > maxLength ? this.fail(name, `must have at most ${maxLength} characters`) : value;
  }

  texts(name: string, { maxItems, maxLength }: { maxItems: number; maxLength: number }): string[] {
    const value = this.value(name);
    if (value === null) return [];
    const fits =
      Array.isArray(value) &&
      value.length <= maxItems &&
      value.every((entry) => typeof entry === 'string' && entry.length <= maxLength);
    if (fits) return value as string[];
    return this.fail(name, `must be a list of at most ${maxItems} texts of ${maxLength} characters`);
  }

  /** A whole number; `otherwise` when it is not there. */
  integer(name: string, otherwise: number, { min, max }: Bounds): number {
    const value = this.value(name);
    if (value === null) return otherwise;
    const fits = typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
    return fits ? value : this.fail(name, `must be a whole number from ${min} to ${max}`);
  }

  /** A number, rounded; `otherwise` when it is not there. */
  rounded(name: string, otherwise: number, { min, max }: Bounds): number {
    const value = this.value(name);
    if (value === null) return otherwise;
    const fits = typeof value === 'number' && value >= min && value <= max;
    return fits ? Math.round(value) : this.fail(name, `must be a number from ${min} to ${max}`);
  }

  flagOrNull(name: string): boolean | null {
    const value = this.value(name);
    return value === null || typeof value === 'boolean' ? value : this.fail(name, 'must be true or false');
  }

  instant(name: string): Instant {
    return this.instantOrNull(name) ?? this.fail(name, 'is required');
  }

  instantOrNull(name: string): Instant | null {
    const value = this.value(name);
    if (value === null) return null;
    const instant = typeof value === 'string' ? parseInstant(value) : null;
    return instant ?? this.fail(name, 'must be an instant such as 2026-01-31T10:00:00.000Z');
  }

  oneOf<Word extends string>(name: string, words: readonly Word[]): Word {
    const value = this.value(name);
    return words.find((word) => word === value) ?? this.fail(name, `must be one of ${words.join(', ')}`);
  }

  /** A record within the record; null when it is not there. */
  inner(name: string): RecordFields | null {
    const value = this.value(name);
    return value === null ? null : RecordFields.of(value, `${this.place}.${name}`);
  }
}

const UPDATED_BY = 200;

/** Who wrote a record last, when, and how often it was written. */
export function stampFrom(fields: RecordFields): Stamp {
  return {
    version: fields.integer('version', 0, { min: 0, max: Number.MAX_SAFE_INTEGER - 1_000_000 }),
    updatedAt: fields.instantOrNull('updatedAt') ?? '',
    updatedBy: fields.textOrNull('updatedBy', UPDATED_BY) ?? '',
  };
}
