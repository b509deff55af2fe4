import { Problem } from '../problems/problem.js';

/** How many rows a list returns: 200 unless asked; negative or more than 1000 means 1000. */
export const DEFAULT_LIMIT = 200;
export const MAX_LIMIT = 1_000;

export function effectiveLimit(limit: number): number {
  return limit < 0 || limit > MAX_LIMIT ? MAX_LIMIT : limit;
}

/** A position in a list as an opaque text. What is inside may change between releases. */
export function encodeCursor(position: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** What a place in a cursor holds; an instant is a text such as 2026-01-31T10:00:00.000000+00:00. */
type CursorKind = 'string' | 'number' | 'instant';

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/;

function isOfKind(value: unknown, kind: CursorKind | undefined): boolean {
  if (kind === 'number') return Number.isSafeInteger(value);
  if (typeof value !== 'string') return false;
  return kind === 'string' || (INSTANT.test(value) && !Number.isNaN(Date.parse(value)));
}

/**
 * Reads a cursor that {@link encodeCursor} made of the same kinds of values. Throws `invalid-request` for any other text:
 * a list that silently began anew would be read for ever.
 */
export function decodeCursor(
  cursor: string,
  kinds: readonly CursorKind[],
  name = 'cursor',
  place: 'query' | 'header' = 'query',
): (string | number)[] {
  try {
    const values = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown;
    if (
      Array.isArray(values) &&
      values.length === kinds.length &&
      values.every((value, index) => isOfKind(value, kinds[index]))
    ) {
      return values as (string | number)[];
    }
  } catch {
    // Not even JSON: told below like any other cursor that is not ours.
  }
  throw new Problem(
    'invalid-request',
    `${name}: Input should be a cursor from an earlier answer of this route`,
    {
      issues: [
        {
          type: 'value_error',
          loc: [place, name],
          msg: 'Input should be a cursor from an earlier answer of this route',
          input: cursor.slice(0, 200),
        },
      ],
    },
  );
}
