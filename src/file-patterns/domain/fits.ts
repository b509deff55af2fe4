import { type Alternative, ANY_DEPTH } from './alternatives.js';
import { codePointOf, contains } from './character-set.js';
import { type Segment, STAR, type Token } from './segment.js';
import { type Work } from './work.js';

/** Whether the path whose names are given is one of those that the pattern stands for. True when the work is used up. */
export function fitsPath(pattern: Alternative, names: readonly string[], work: Work): boolean {
  return fits(
    pattern,
    names,
    (step) => step === ANY_DEPTH,
    (step, name) => step !== ANY_DEPTH && fitsName(step, name, work),
    work,
  );
}

function fitsName(segment: Segment, name: string, work: Work): boolean {
  if (segment.isAny) return true;
  return segment.forms.some((form) =>
    'name' in form ? form.name === name : fitsTokens(form.tokens, name, work),
  );
}

/** Whether the tokens read the name. */
export function fitsTokens(tokens: readonly Token[], name: string, work: Work): boolean {
  return fits(
    tokens,
    Array.from(name, codePointOf),
    (token) => token === STAR,
    (token, point) => token !== STAR && contains(token, point),
    work,
  );
}

/**
 * Matches items against a pattern with stars. When the items after a star do not fit, only the last star takes one
 * more: what stood before it has been found as early as possible, so that each pair is looked at once.
 */
function fits<P, I>(
  pattern: readonly P[],
  items: readonly I[],
  isStar: (part: P) => boolean,
  accepts: (part: P, item: I) => boolean,
  work: Work,
): boolean {
  let at = 0;
  let afterStar = -1;
  let resumeAt = 0;
  for (let i = 0; i < items.length;) {
    if (--work.left < 0) return true;
    const part = pattern[at];
    const item = items[i];
    if (part !== undefined && isStar(part)) {
      afterStar = ++at;
      resumeAt = i;
    } else if (part !== undefined && item !== undefined && accepts(part, item)) {
      at++;
      i++;
    } else if (afterStar !== -1) {
      at = afterStar;
      i = ++resumeAt;
    } else return false;
  }
  return pattern.slice(at).every(isStar);
}
