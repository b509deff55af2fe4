import { describe, expect, it } from '@jest/globals';
import { normalPath } from './file-path.js';
import {
  type FilePattern,
  matches,
  overlaps,
  parsePattern,
  PATTERN_LIMITS,
  type RefusalReason,
} from '../index.js';
import { globOverlaps } from './overlap.js';
import { WORK_LIMIT } from './work.js';
import { fc } from '../../../test/support/properties.js';

function pattern(raw: string): FilePattern {
  const parsed = parsePattern(raw);
  if (parsed.kind === 'refused') throw new Error(`${raw}: ${parsed.detail}`);
  return parsed;
}

describe('the normal form of a pattern', () => {
  it.each<[raw: string, kind: FilePattern['kind'], text: string, prefix: string]>([
    ['src/a.ts', 'exact', 'src/a.ts', 'src/a.ts'],
    [' ./src//x/../a.ts ', 'exact', 'src/a.ts', 'src/a.ts'],
    ['/src\\a.ts', 'exact', 'src/a.ts', 'src/a.ts'],
    ['cafe\u0301/x', 'exact', 'caf\u00e9/x', 'caf\u00e9/x'],
    ['src/', 'tree', 'src/**', 'src'],
    ['src\\', 'tree', 'src/**', 'src'],
    ['src/** ', 'tree', 'src/**', 'src'],
    ['src/**/', 'tree', 'src/**', 'src'],
    ['src/./', 'tree', 'src/**', 'src'],
    ['src/x/../', 'tree', 'src/**', 'src'],
    ['**', 'tree', '**', ''],
    ['./**/**', 'tree', '**', ''],
    ['src/*.ts', 'glob', 'src/*.ts', 'src'],
    ['src/**/a.ts', 'glob', 'src/**/a.ts', 'src'],
    ['src/**/**/*/a', 'glob', 'src/*/**/a', 'src'],
    ['src/**/*', 'glob', 'src/*/**', 'src'],
    ['src/*/', 'glob', 'src/*/**', 'src'],
    ['a**b', 'glob', 'a*b', ''],
    ['a/***', 'glob', 'a/*', 'a'],
    ['*?*?', 'glob', '??*', ''],
    ['src/*/../b', 'exact', 'src/b', 'src/b'],
    ['cafe\u0301/*', 'glob', 'caf\u00e9/*', 'caf\u00e9'],
    ['{e,a}\u0301', 'glob', '{\u00e1,\u00e9}', ''],
    ['a[b', 'exact', 'a[b', 'a[b'],
    ['a[/]b', 'exact', 'a[/]b', 'a[/]b'],
    ['a]b}', 'exact', 'a]b}', 'a]b}'],
    ['[]', 'exact', '[]', '[]'],
    ['a{b', 'exact', 'a{b', 'a{b'],
    ['{a}', 'exact', '{a}', '{a}'],
    ['{{a,b}', 'glob', '{[{]a,[{]b}', ''],
    ['app/[[]id]', 'exact', 'app/[[]id]', 'app/[id]'],
    ['app/[id]/page.tsx', 'glob', 'app/[id]/page.tsx', 'app'],
    ['a[,]b', 'exact', 'a,b', 'a,b'],
    ['[*]', 'exact', '[*]', '*'],
    ['src/{b,a}.ts', 'glob', 'src/{a.ts,b.ts}', 'src'],
    ['{src/a.ts,src/b.ts}', 'glob', 'src/{a.ts,b.ts}', 'src'],
    ['src/{b,b/../b}.ts', 'exact', 'src/b.ts', 'src/b.ts'],
    ['{a,{b,c/d}}/e', 'glob', '{a/e,b/e,c/d/e}', ''],
    ['{a,a/b}', 'glob', '{a,a/b}', 'a'],
    ['x/{a,a/}', 'glob', 'x/{a,a/**}', 'x/a'],
    ['a,b/{c,d}', 'glob', 'a,b/{c,d}', 'a,b'],
    ['{c,d}/a,b', 'glob', '{c/a[,]b,d/a[,]b}', ''],
    ['a/{..,b}/c', 'glob', '{a/b/c,c}', ''],
    ['[{,}]', 'glob', '[{,}]', ''],
    ['{x,[,}]}', 'glob', '{[,}],x}', ''],
    ['{[,b/}c]', 'glob', '{[[]c],b/c]}', ''],
  ])('of %j is a %s %j with prefix %j', (raw, kind, text, prefix) => {
    expect(parsePattern(raw)).toEqual({ raw, kind, text, prefix });
  });

  it.each<[raw: string, reason: RefusalReason]>([
    ['', 'names-nothing'],
    [' ', 'names-nothing'],
    ['/', 'names-nothing'],
    ['./', 'names-nothing'],
    ['a/../', 'names-nothing'],
    ['*/..', 'names-nothing'],
    ['{,a}', 'names-nothing'],
    ['..', 'leads-out'],
    ['a/../../b', 'leads-out'],
    ['..\\*', 'leads-out'],
    ['a/{../../b,c}', 'leads-out'],
    ['**/../a', 'unclear'],
    ['[[:alpha:]]', 'unclear'],
    ['a\0', 'not-storable'],
    ['a\ud800', 'not-storable'],
    ['a'.repeat(PATTERN_LIMITS.length + 1), 'too-long'],
    ['\u4e2d'.repeat(900), 'too-long'],
    [`{a,b,c}${'x'.repeat(900)}`, 'too-long'],
    [`{a,b,c}{a,b,c}${'/x'.repeat(490)}`, 'too-long'],
    ['a/'.repeat(PATTERN_LIMITS.segments) + 'a', 'too-deep'],
    ['*/'.repeat(PATTERN_LIMITS.segments), 'too-deep'],
    ['{a,b}'.repeat(7), 'too-many-alternatives'],
    ['{a,b}'.repeat(199), 'too-many-alternatives'],
    ['{a,'.repeat(249) + '}'.repeat(249), 'too-many-alternatives'],
  ])('of %.30s is refused: %s', (raw, reason) => {
    expect(parsePattern(raw)).toEqual({ kind: 'refused', reason, detail: expect.any(String) });
  });

  it('allows what just keeps the limits', () => {
    expect(pattern('a'.repeat(PATTERN_LIMITS.length)).kind).toBe('exact');
    expect(pattern(`${'a/'.repeat(PATTERN_LIMITS.segments - 1)}a`).kind).toBe('exact');
    expect(pattern('{a,b}'.repeat(6)).kind).toBe('glob');
  });

  it('is the normal form of the path when there is no glob in it', () => {
    const segment = fc.oneof(
      fc.constantFrom('.', '..', '', ' ', 'a', 'ä', 'e\u0301'),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(segment), fc.constantFrom('/', '\\', '//'), (segments, separator) => {
        const raw = segments.join(separator).replace(/[*?[{\0\u{10ffff}]/gu, '');
        const parsed = parsePattern(raw);
        expect('prefix' in parsed ? parsed.prefix : null).toBe(normalPath(raw));
        if (parsed.kind === 'exact') expect(parsed.text).toBe(parsed.prefix);
      }),
      { seed: 1, numRuns: 2_000 },
    );
  });
});

describe('two patterns', () => {
  it.each([
    ['src/a.ts', './src/a.ts', true],
    ['src/a.ts', 'src/b.ts', false],
    ['src/', 'src', true],
    ['src/', 'src/a/b', true],
    ['src/', 'srcs/a', false],
    ['src/', 'src0', false],
    ['src/', 'src/a/', true],
    ['src/a/', 'src/b/', false],
    ['**', 'anything/at/all', true],
    ['**', '*', true],
    ['src/*/a.ts', 'src/b/*.ts', true],
    ['src/*/a.ts', 'src/b/*.js', false],
    ['src/**/x', 'src/x', true],
    ['src/**/x', 'src/a/b/x', true],
    ['src/**/x', 'src/a/**', true],
    ['src/**/x', 'src/**/y', false],
    ['src/**/x', 'src', false],
    ['src/*/', 'src', false],
    ['src/*/', 'src/a', true],
    ['src/*/', 'src/a/b/c', true],
    ['**/a/b', 'b/a/**', true],
    ['*/*', '*', false],
    ['*a', 'b*', true],
    ['*a', '*b', false],
    ['a?c', 'ab*', true],
    ['[a-c]x', '[c-e]x', true],
    ['[a-c]x', '[d-e]x', false],
    ['[!a-c]x', '[^d-z]x', true],
    ['[!a]', 'a', false],
    ['[!a]/x', 'a/x', false],
    ['a[!b]c', 'a/c', false],
    ['a?c', 'a/c', false],
    ['[]-]x', '-x', true],
    ['[]-]x', ']x', true],
    ['[z-a]', '?', false],
    ['[ac]x', 'bx', false],
    ['[ac]', '[b]', false],
    ['[cab]', 'b', true],
    ['.*', '*.', true],
    ['.*', '?', false],
    ['.*', '??', true],
    ['..*', '??', false],
    ['[.]*', '*[.]', true],
    ['*', '.env', true],
    ['?', '\u{1f600}', true],
    ['caf\u00e9/*', 'cafe\u0301/x', true],
    ['README', 'readme', false],
    ['src\\*\\a', 'src/b/a', true],
    ['src/x/../*.ts', 'src/a.ts', true],
    ['src/{a,b/c}.ts', 'src/b/c.ts', true],
    ['src/{a,b/c}.ts', 'src/c.ts', false],
    ['{src,test}/**/*.ts', 'test/x/*', true],
    ['{src,test}/**/*.ts', 'docs/**', false],
    ['a{,b}', 'ab', true],
    ['a{b', 'a{b', true],
    ['a[b', 'a?b', true],
    ['app/[id]/page.tsx', 'app/[[]id]/page.tsx', true],
    ['app/[id]/page.tsx', 'app/*/page.tsx', true],
    ['app/[id]/page.tsx', 'app/i/page.tsx', true],
    ['app/[[]id]/page.tsx', 'app/i/page.tsx', false],
    ['[[...slug]]/x', '[[][[]...slug]]/x', true],
  ])('%j and %j overlap: %j', (a, b, expected) => {
    expect(overlaps(pattern(a), pattern(b))).toBe(expected);
    expect(overlaps(pattern(b), pattern(a))).toBe(expected);
  });

  it('overlap beyond the bound of work, after a bounded number of steps', () => {
    const starry = (letters: string): FilePattern => pattern(`${`*${letters}`.repeat(490)}*`.slice(0, 990));
    const deep = (name: string): FilePattern => pattern(`${`**/${name}/`.repeat(49)}x`);
    for (const [a, b] of [
      [starry('a'), pattern('*ab*b'.repeat(198))],
      [starry('a?'), starry('b')],
      [deep('*a*a*a*a*c'), deep('*b*b*b*b*d')],
      [pattern(`{${'*a,'.repeat(30)}*b}`), pattern('{*c,*d}{*e,*f}{*g,*h}{*i,*j}')],
      [starry('a'), pattern('a'.repeat(999) + 'b')],
    ] as const) {
      const work = { left: WORK_LIMIT };
      const answer = globOverlaps(a, b, work);
      expect(work.left).toBeGreaterThan(-100);
      if (work.left < 0) expect(answer).toBe(true);
      expect(overlaps(a, b)).toBe(answer);
    }
    const work = { left: 10 };
    expect(globOverlaps(pattern('*a*a*a*x'), pattern('*b*b*b*y'), work)).toBe(true);
    expect(overlaps(pattern('*a*a*a*x'), pattern('*b*b*b*y'))).toBe(false);
  });
});

describe('any text', () => {
  const character = fc.oneof(
    fc.constantFrom(...Array.from('ab.*?[]{},/\\!^- ')),
    fc.string({ unit: 'binary', maxLength: 1 }),
  );
  const text = fc.string({ unit: character, maxLength: 40 });

  it('is a pattern or refused with a reason, and its normal form means the same', () => {
    fc.assert(
      fc.property(text, (raw) => {
        const parsed = parsePattern(raw);
        if (parsed.kind === 'refused') {
          expect(parsed.detail).not.toBe('');
          return;
        }
        expect(pattern(parsed.text)).toEqual({ ...parsed, raw: parsed.text });
        expect(overlaps(parsed, parsed)).toBe(true);
      }),
      { seed: 2, numRuns: 10_000 },
    );
  });

  it('overlaps another one as that one overlaps it', () => {
    fc.assert(
      fc.property(text, text, (left, right) => {
        const a = parsePattern(left);
        const b = parsePattern(right);
        if (a.kind === 'refused' || b.kind === 'refused') return;
        expect(overlaps(a, b)).toBe(overlaps(b, a));
        if (a.kind === 'exact' && b.kind === 'exact') expect(overlaps(a, b)).toBe(a.text === b.text);
        if (b.kind === 'exact') expect(overlaps(a, b)).toBe(matches(a, b.prefix));
      }),
      { seed: 3, numRuns: 10_000 },
    );
  });
});
