import { describe, expect, it } from '@jest/globals';
import { normalPath } from './file-path.js';
import { fc } from '../../../test/support/properties.js';

describe('the normal form of a path', () => {
  it.each([
    ['src/a.ts', 'src/a.ts'],
    ['./src/a.ts', 'src/a.ts'],
    ['/src/a.ts', 'src/a.ts'],
    ['src\\a.ts', 'src/a.ts'],
    ['src//./a.ts', 'src/a.ts'],
    ['src/b/../a.ts', 'src/a.ts'],
    ['  src/a.ts ', 'src/a.ts'],
    ['cafe\u0301', 'caf\u00e9'],
    ['README', 'README'],
    ['...', '...'],
    ['', null],
    ['.', null],
    ['a/..', null],
    ['..', null],
    ['a/../../b', null],
    ['/../b', null],
  ])('of %j is %j', (raw, normal) => expect(normalPath(raw)).toBe(normal));

  it('is its own normal form, never climbs, and has no empty segment', () => {
    const segment = fc.oneof(fc.constantFrom('.', '..', '', 'a', 'b', 'ä'), fc.string());
    fc.assert(
      fc.property(fc.array(segment), fc.constantFrom('/', '\\', '//'), (segments, separator) => {
        const normal = normalPath(segments.join(separator));
        if (normal === null) return;
        expect(normalPath(normal)).toBe(normal);
        for (const part of normal.split('/')) expect(['', '.', '..']).not.toContain(part);
      }),
    );
  });
});
