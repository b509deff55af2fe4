/**
 * Readers for the columns of a row. A statement's result is checked where it enters the program: a column that is
 * missing or of another type throws, with its name, instead of travelling on as a lie.
 */
export type Row = Readonly<Record<string, unknown>>;

/** An instant in UTC with microseconds, `YYYY-MM-DDTHH:MM:SS.ffffff+00:00`. Such texts compare as the instants do. */
export type Instant = string;

function wrong(row: Row, column: string, wanted: string): never {
  throw new TypeError(
    `Column ${column} should be ${wanted}, not ${column in row ? typeof row[column] : 'missing'}.`,
  );
}

export function text(row: Row, column: string): string {
  const value = row[column];
  return typeof value === 'string' ? value : wrong(row, column, 'text');
}

export function textOrNull(row: Row, column: string): string | null {
  return row[column] === null ? null : text(row, column);
}

/** A 64-bit integer; beyond 2^53 it throws rather than rounds. */
export function integer(row: Row, column: string): number {
  const value = row[column];
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : wrong(row, column, 'an integer');
}

/** A `float8`. */
export function real(row: Row, column: string): number {
  const value = row[column];
  return typeof value === 'number' && Number.isFinite(value) ? value : wrong(row, column, 'a number');
}

export function integerOrNull(row: Row, column: string): number | null {
  return row[column] === null ? null : integer(row, column);
}

/** A JSON array of integers: what the driver makes of `bigint[]` are texts. */
export function integers(row: Row, column: string): number[] {
  const value = row[column];
  if (!Array.isArray(value) || !value.every((entry) => Number.isSafeInteger(entry)))
    wrong(row, column, 'a JSON array of integers');
  return value as number[];
}

export function flag(row: Row, column: string): boolean {
  const value = row[column];
  return typeof value === 'boolean' ? value : wrong(row, column, 'a boolean');
}

export function instant(row: Row, column: string): Instant {
  return text(row, column);
}

export function instantOrNull(row: Row, column: string): Instant | null {
  return textOrNull(row, column);
}

export function texts(row: Row, column: string): string[] {
  const value = row[column];
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'string'))
    wrong(row, column, 'text[]');
  return value;
}

export type JsonObject = Record<string, unknown>;

export function jsonObject(row: Row, column: string): JsonObject {
  const value = row[column];
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    wrong(row, column, 'a JSON object');
  return value as JsonObject;
}

/** A result set that the statement guarantees to hold exactly one row. */
export function onlyRow(rows: readonly Row[]): Row {
  const [row] = rows;
  if (row === undefined || rows.length > 1) throw new Error(`Expected one row, got ${rows.length}.`);
  return row;
}
