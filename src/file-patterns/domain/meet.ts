import { type Alternative, ANY_DEPTH } from './alternatives.js';
import { fitsTokens } from './fits.js';
import { type Form, type Segment } from './segment.js';
import { tokensMeet } from './tokens-meet.js';
import { type Work } from './work.js';

/**
 * Whether some path is matched by both. Both are read at once, as two automata over segments: a cell is a pair of
 * positions, reached when some row of names leads there in both. True when the work is used up.
 */
export function alternativesMeet(a: Alternative, b: Alternative, work: Work): boolean {
  if (startApart(a[0], b[0])) return false;
  let row = new Uint8Array(b.length + 1);
  row[0] = 1;
  for (let i = 0; i <= a.length; i++) {
    const next = new Uint8Array(b.length + 1);
    let reached = false;
    for (let j = 0; j <= b.length; j++) {
      if (row[j] === 0) continue;
      if (--work.left < 0) return true;
      const left = a[i];
      const right = b[j];
      if (left === undefined && right === undefined) return true;
      if (right === ANY_DEPTH || (right !== undefined && left === ANY_DEPTH)) row[j + 1] = 1;
      if (left === ANY_DEPTH || (left !== undefined && right === ANY_DEPTH)) {
        next[j] = 1;
        reached = true;
      }
      if (left === undefined || right === undefined || left === ANY_DEPTH || right === ANY_DEPTH) continue;
      if (segmentsMeet(left, right, work)) {
        next[j + 1] = 1;
        reached = true;
      }
    }
    if (!reached) return false;
    row = next;
  }
  return false;
}

function startApart(a: Alternative[number] | undefined, b: Alternative[number] | undefined): boolean {
  if (a === undefined || b === undefined || a === ANY_DEPTH || b === ANY_DEPTH) return false;
  return a.name !== null && b.name !== null && a.name !== b.name;
}

/** Whether some name is matched by both. Every segment matches one at least. */
function segmentsMeet(a: Segment, b: Segment, work: Work): boolean {
  if (a.isAny || b.isAny) return true;
  if (a.name !== null && b.name !== null) return a.name === b.name;
  return a.forms.some((left) => b.forms.some((right) => formsMeet(left, right, work)));
}

function formsMeet(a: Form, b: Form, work: Work): boolean {
  if ('name' in a) return 'name' in b ? a.name === b.name : fitsTokens(b.tokens, a.name, work);
  return 'name' in b ? fitsTokens(a.tokens, b.name, work) : tokensMeet(a.tokens, b.tokens, work);
}
