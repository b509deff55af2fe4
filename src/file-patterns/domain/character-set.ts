/** Code points as sorted, disjoint, closed ranges: low, high, low, high … Never one of the separators. */
export type CharacterSet = readonly number[];

const DOT = 0x2e;
const SLASH = 0x2f;
const BACKSLASH = 0x5c;
const LAST = 0x10ffff;

/** Whatever may stand in a segment. */
export const ANY_CHARACTER: CharacterSet = [0, SLASH - 1, SLASH + 1, BACKSLASH - 1, BACKSLASH + 1, LAST];

export function only(codePoint: number): CharacterSet {
  return [codePoint, codePoint];
}

/**
 * The set that a bracket expression names by what stands between its brackets: characters, ranges, and a leading `!` or
 * `^` for all others. A hyphen at an end is a hyphen; a range that runs backwards is empty.
 */
export function bracketSet(inside: string): CharacterSet {
  const negated = inside.startsWith('!') || inside.startsWith('^');
  const points = Array.from(negated ? inside.slice(1) : inside, codePointOf);
  const named: [number, number][] = [];
  for (let at = 0; at < points.length; at++) {
    const low = points[at] ?? 0;
    const high = points[at + 2];
    if (points[at + 1] === 0x2d && high !== undefined) {
      if (low <= high) named.push([low, high]);
      at += 2;
    } else named.push([low, low]);
  }
  const set = union(named);
  return intersection(negated ? complement(set) : set, ANY_CHARACTER);
}

/** What two sets share, as far as names care: `.` and `..` are no names, so that a dot counts apart. */
export const SHARED = { nothing: 0, dot: 1, other: 2 } as const;

/** The sum of {@link SHARED} values that holds for two sets. */
export function shared(a: CharacterSet, b: CharacterSet): number {
  let found: number = SHARED.nothing;
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const aHigh = a[i + 1] ?? 0;
    const bHigh = b[j + 1] ?? 0;
    const low = Math.max(a[i] ?? 0, b[j] ?? 0);
    const high = Math.min(aHigh, bHigh);
    if (low <= high) {
      if (low <= DOT && DOT <= high) found |= SHARED.dot;
      if (low !== DOT || high !== DOT) found |= SHARED.other;
    }
    if (aHigh < bHigh) i += 2;
    else j += 2;
  }
  return found;
}

export function contains(set: CharacterSet, codePoint: number): boolean {
  for (let i = 0; i < set.length; i += 2) {
    if (codePoint <= (set[i + 1] ?? 0)) return codePoint >= (set[i] ?? 0);
  }
  return false;
}

/** The code point of a string that holds one. */
export function codePointOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}

function union(ranges: [number, number][]): number[] {
  const set: number[] = [];
  for (const [low, high] of ranges.sort((a, b) => a[0] - b[0])) {
    const last = set.at(-1);
    if (last !== undefined && low <= last + 1) set[set.length - 1] = Math.max(last, high);
    else set.push(low, high);
  }
  return set;
}

function complement(set: CharacterSet): CharacterSet {
  const rest: number[] = [];
  let next = 0;
  for (let i = 0; i < set.length; i += 2) {
    const low = set[i] ?? 0;
    if (next < low) rest.push(next, low - 1);
    next = (set[i + 1] ?? 0) + 1;
  }
  if (next <= LAST) rest.push(next, LAST);
  return rest;
}

function intersection(a: CharacterSet, b: CharacterSet): CharacterSet {
  const both: number[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const aHigh = a[i + 1] ?? 0;
    const bHigh = b[j + 1] ?? 0;
    const low = Math.max(a[i] ?? 0, b[j] ?? 0);
    const high = Math.min(aHigh, bHigh);
    if (low <= high) both.push(low, high);
    if (aHigh < bHigh) i += 2;
    else j += 2;
  }
  return both;
}
