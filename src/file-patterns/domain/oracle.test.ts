import { describe, expect, it } from '@jest/globals';
import { type FilePattern, lookupKeys, matches, overlaps, parsePattern } from '../index.js';
import { fc } from '../../../test/support/properties.js';

// The oracle: an own reading of patterns, by backtracking over one path at a time. It knows only what the generators
// below make: no blanks, no backslashes, no `..`, brackets and braces balanced.

/** Spells out braces from the inside. */
function spellOut(pattern: string): string[] {
  const [group, inside] = /\{([^{}]*)\}/.exec(pattern) ?? [];
  if (group === undefined || inside === undefined) return [pattern];
  return inside.split(',').flatMap((choice) => spellOut(pattern.replace(group, () => choice)));
}

function readsPath(pattern: readonly string[], names: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return names.length === 0;
  if (first === '**')
    return readsPath(rest, names) || (names.length > 0 && readsPath(pattern, names.slice(1)));
  const [name, ...others] = names;
  return name !== undefined && readsName(first, name) && readsPath(rest, others);
}

const known = new Map<string, boolean>();

function readsName(segment: string, name: string): boolean {
  const key = `${segment}/${name}`;
  let answer = known.get(key);
  answer ??= reads(segment, name, true) || reads(segment, name, false);
  known.set(key, answer);
  return answer;
}

/** What stands in brackets, and the characters that it means. */
const SETS: Readonly<Record<string, string>> = {
  a: 'a',
  b: 'b',
  ab: 'ab',
  '.b': '.b',
  'a-b': 'ab',
  '.': '.',
};

function reads(segment: string, name: string, withSets: boolean): boolean {
  if (segment === '') return name === '';
  const rest = segment.slice(1);
  if (segment.startsWith('*'))
    return reads(rest, name, withSets) || (name !== '' && reads(segment, name.slice(1), withSets));
  if (name === '') return false;
  const character = name.charAt(0);
  const set = withSets ? /^\[([!^]?)([^\]]+)\]/.exec(segment) : null;
  if (set !== null) {
    const listed = (SETS[set[2] ?? ''] ?? '').includes(character);
    return listed === (set[1] === '') && reads(segment.slice(set[0].length), name.slice(1), withSets);
  }
  return (segment.startsWith('?') || segment.startsWith(character)) && reads(rest, name.slice(1), withSets);
}

/** The positions of all paths that the oracle finds in a pattern. */
function owned(pattern: string, paths: readonly (readonly string[])[]): Uint32Array {
  const bits = new Uint32Array(Math.ceil(paths.length / 32));
  for (const alternative of spellOut(pattern)) {
    const segments = (alternative + (alternative.endsWith('/') ? '**' : '')).split('/');
    paths.forEach((names, at) => {
      if (readsPath(segments, names)) bits[at >> 5] = (bits[at >> 5] ?? 0) | (1 << (at & 31));
    });
  }
  return bits;
}

function namesOver(characters: string, length: number): string[] {
  let longest = [''];
  const names: string[] = [];
  for (let i = 0; i < length; i++) {
    longest = longest.flatMap((name) => Array.from(characters, (character) => name + character));
    names.push(...longest);
  }
  return names.filter((name) => name !== '.' && name !== '..');
}

function pathsOver(names: readonly string[], depth: number): string[][] {
  let deepest: string[][] = [[]];
  const paths: string[][] = [];
  for (let i = 0; i < depth; i++) {
    deepest = deepest.flatMap((path) => names.map((name) => [...path, name]));
    paths.push(...deepest);
  }
  return paths;
}

/** A file whose name is spelled like a segment with sets is owned as well: such names, with what a star may take. */
function spelledNames(segments: readonly string[]): string[] {
  const sets = segments.flatMap((segment) => segment.match(/\[[^\]]+\]/g) ?? []);
  const taken = ['', '.', '..', ...namesOver('ab.c', 2), ...new Set(sets)];
  let names = segments.filter((segment) => segment.includes('['));
  while (names.some((name) => /[*?]/.test(name))) {
    names = names.flatMap((name) =>
      name.includes('*')
        ? taken.map((letters) => name.replace(/\*+/, letters))
        : name.includes('?')
          ? ['a', 'b', '.', 'c'].map((letter) => name.replace('?', letter))
          : [name],
    );
  }
  return names;
}

function samples(pattern: fc.Arbitrary<string>, count: number): string[] {
  const made = fc.sample(pattern, { seed: 7, numRuns: count * 3 });
  return [...new Set(made)].filter((raw) => parsePattern(raw).kind !== 'refused').slice(0, count);
}

function read(raw: string): FilePattern {
  const parsed = parsePattern(raw);
  if (parsed.kind === 'refused') throw new Error(`${raw}: ${parsed.detail}`);
  return parsed;
}

const joined = (separator: string) => (parts: string[]) => parts.join(separator);
const segmentOf = (tokens: readonly string[], most: number): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom(...tokens), { minLength: 1, maxLength: most })
    .map(joined(''))
    .filter((segment) => !['.', '..', '**'].includes(segment));
const pathOf = (segment: fc.Arbitrary<string>, most: number): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.array(fc.oneof({ weight: 4, arbitrary: segment }, fc.constant('**')), {
        minLength: 1,
        maxLength: most,
      }),
      fc.constantFrom('', '', '', '/'),
    )
    .map(([segments, end]) => segments.join('/') + (segments.length < most ? end : ''));
const oftenGrouped = (path: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof(
    path,
    path,
    fc.array(path, { minLength: 2, maxLength: 3 }).map((paths) => `{${paths.join(',')}}`),
  );

/** Compares every pair. A path that two patterns share need not be longer than both together without their stars. */
function expectSameAsOracle(patterns: readonly string[], paths: readonly (readonly string[])[]): void {
  const parsed = patterns.map(read);
  const bits = patterns.map((raw) => owned(raw, paths));
  const missed: string[] = [];
  const falsely: string[] = [];
  const notFound: string[] = [];
  let overlapping = 0;
  parsed.forEach((a, i) => {
    for (const [j, b] of parsed.entries()) {
      const theirs = bits[j];
      const really = bits[i]?.some((word, at) => (word & (theirs?.[at] ?? 0)) !== 0) ?? false;
      const said = overlaps(a, b);
      if (really) overlapping++;
      if (really && !said) missed.push(`${a.raw}  ${b.raw}`);
      if (said && !really) falsely.push(`${a.raw}  ${b.raw}`);
      if (said && !isCandidate(a, b)) notFound.push(`${a.raw}  ${b.raw}`);
    }
  });
  expect({ missed, falsely, notFound }).toEqual({ missed: [], falsely: [], notFound: [] });
  // Neither answer is rare.
  expect(overlapping).toBeGreaterThan(patterns.length ** 2 / 20);
  expect(overlapping).toBeLessThan((patterns.length ** 2 * 19) / 20);
}

/** What an index finds that is sorted by bytes. */
function isCandidate(wanted: FilePattern, held: FilePattern): boolean {
  const keys = lookupKeys(wanted);
  if (keys.above.includes(held.prefix)) return true;
  const order = (text: string): number => Buffer.compare(Buffer.from(held.prefix), Buffer.from(text));
  return keys.below !== null && order(keys.below.from) >= 0 && order(keys.below.to) < 0;
}

describe('what patterns own, against an enumeration of all paths', () => {
  it('is the same in names of every kind', () => {
    const tokens = ['a', 'b', '.', '*', '*', '?', '**', '[ab]', '[!a]', '[^.b]', '[a-b]', '[.]'];
    const patterns = samples(segmentOf(tokens, 3), 150);
    // `c` stands for all that no pattern mentions.
    const names = [...new Set([...namesOver('ab.c', 5), ...spelledNames(patterns)])];
    expectSameAsOracle(patterns, pathsOver(names, 1));
  });

  it('is the same at every depth', () => {
    const patterns = samples(oftenGrouped(pathOf(segmentOf(['a', 'b', '*', '?'], 2), 3)), 150);
    expectSameAsOracle(patterns, pathsOver(namesOver('ab', 2), 4));
  });

  it('is the same path by path', () => {
    const patterns = samples(oftenGrouped(pathOf(segmentOf(['a', 'b', '*', '?', '[!b]'], 2), 3)), 100);
    const paths = pathsOver(namesOver('ab', 2), 4);
    for (const raw of patterns) {
      const pattern = read(raw);
      const bits = owned(raw, paths);
      const wrong = paths.filter(
        (names, at) =>
          matches(pattern, names.join('/')) !== (((bits[at >> 5] ?? 0) & (1 << (at & 31))) !== 0),
      );
      expect([raw, wrong]).toEqual([raw, []]);
    }
  });
});

describe('the keys for an index', () => {
  it.each([
    ['src/a.ts', { prefix: 'src/a.ts', above: ['', 'src', 'src/a.ts'], below: null }],
    ['src/', { prefix: 'src', above: ['', 'src'], below: { from: 'src/', to: 'src0' } }],
    ['src/*.ts', { prefix: 'src', above: ['', 'src'], below: { from: 'src/', to: 'src0' } }],
    ['*.ts', { prefix: '', above: [''], below: { from: '\u0001', to: '\u{10ffff}' } }],
  ])('of %j', (raw, keys) => expect(lookupKeys(read(raw))).toEqual(keys));

  it('find what overlaps, whatever the characters', () => {
    const name = fc.oneof(
      fc.constantFrom('a', 'a0', 'a-', 'a.b', '*', '**', '?', '{a,a/b}', '\u{10fffe}', '\u{1f600}', '\uffff'),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    );
    const path = fc.array(name, { minLength: 1, maxLength: 4 }).map(joined('/'));
    let overlapping = 0;
    fc.assert(
      fc.property(path, path, fc.constantFrom('', '/'), (left, right, end) => {
        const a = parsePattern(left);
        const b = parsePattern(right + end);
        if (a.kind === 'refused' || b.kind === 'refused' || !overlaps(a, b)) return;
        overlapping++;
        expect([isCandidate(a, b), isCandidate(b, a)]).toEqual([true, true]);
      }),
      { seed: 11, numRuns: 20_000 },
    );
    expect(overlapping).toBeGreaterThan(1_000);
  });
});
