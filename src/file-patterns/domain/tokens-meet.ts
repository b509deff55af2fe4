import { ANY_CHARACTER, type CharacterSet, shared, SHARED } from './character-set.js';
import { STAR, type Token } from './segment.js';
import { type Work } from './work.js';

/**
 * How much of a name has been read, as bits of a cell: nothing, `.`, `..`, or what can be a name. Paths know no names
 * `.` and `..`, so that patterns which meet only there do not meet.
 */
const NOTHING = 1;
const DOTS = 2 | 4;
const NAME = 8;

/**
 * Whether some name is read by both. Both are read at once, as two automata over characters: a cell is a pair of
 * positions, and each step leads to the right, down, or both. True when the work is used up.
 */
export function tokensMeet(a: readonly Token[], b: readonly Token[], work: Work): boolean {
  let row = new Uint8Array(b.length + 1);
  row[0] = NOTHING;
  for (let i = 0; i <= a.length; i++) {
    const below = new Uint8Array(b.length + 1);
    let reached = 0;
    work.left -= b.length >> 4; // What it takes to pass over a row.
    for (let j = 0; j <= b.length; j++) {
      let read = row[j] ?? 0;
      if (read === 0) continue;
      if (--work.left < 0) return true;
      const left = a[i];
      const right = b[j];
      if (left === undefined && right === undefined) return (read & NAME) !== 0;
      if (left === STAR && right === STAR) read |= longer(read);
      const next = left === undefined || right === undefined ? 0 : after(read, left, right);
      if (left === STAR || right === STAR) {
        // A star ends here, or takes the character that the other side reads.
        row[j + 1] = (row[j + 1] ?? 0) | (right === STAR ? read : next);
        reached |= below[j] = (below[j] ?? 0) | (left === STAR ? read : next);
      } else reached |= below[j + 1] = (below[j + 1] ?? 0) | next;
    }
    if (reached === 0) return false;
    row = below;
  }
  return false;
}

/** What has been read after one character that both allow; 0 when there is none. */
function after(read: number, a: Token, b: Token): number {
  const common = shared(allowed(a), allowed(b));
  if (common === SHARED.nothing) return 0;
  // After two dots, or in a name, whatever comes makes a name.
  let next = (read & (4 | NAME)) === 0 ? 0 : NAME;
  if ((common & SHARED.dot) !== 0) next |= (read & (NOTHING | 2)) << 1;
  if ((common & SHARED.other) !== 0) next |= NAME;
  return next;
}

/** What may have been read after any number of characters, one at least. */
function longer(read: number): number {
  return NAME | ((read & NOTHING) === 0 ? (read & 2) << 1 : DOTS);
}

function allowed(token: Token): CharacterSet {
  return token === STAR ? ANY_CHARACTER : token;
}
