import { describe, expect, it } from '@jest/globals';
import { Problem } from '../problems/problem.js';
import { decodeCursor, effectiveLimit, encodeCursor } from './cursor.js';
import { fc } from '../../../test/support/properties.js';

it.each([
  [0, 0],
  [1, 1],
  [1_000, 1_000],
  [1_001, 1_000],
  [-1, 1_000],
])('a limit of %d means %d', (limit, rows) => expect(effectiveLimit(limit)).toBe(rows));

describe('a cursor', () => {
  it('comes back as it was made', () => {
    fc.assert(
      fc.property(fc.string(), fc.maxSafeInteger(), (text, number) => {
        const cursor = encodeCursor([text, number]);
        expect(cursor).toMatch(/^[\w-]+$/);
        expect(decodeCursor(cursor, ['string', 'number'])).toEqual([text, number]);
      }),
    );
  });

  it.each([
    '',
    'x',
    '%00',
    encodeCursor([]),
    encodeCursor(['a']),
    encodeCursor([1, 2]),
    encodeCursor([1.5]),
    encodeCursor([2 ** 60]),
    Buffer.from('{"0":1,"length":1}').toString('base64url'),
    Buffer.from('null').toString('base64url'),
  ])('that is not ours is refused: %j', (cursor) => {
    expect(() => decodeCursor(cursor, ['number'])).toThrow(Problem);
    expect(() => decodeCursor(cursor, ['number'], 'after')).toThrow(/^after: /);
  });
});
