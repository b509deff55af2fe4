import { normalPath } from './file-path.js';
import { withPlainBrackets } from './brackets.js';
import { expandGroups } from './groups.js';
import { PATTERN_LIMITS, type PatternRefusal, refusal, unclear } from './pattern.js';
import { readSegment, type Segment } from './segment.js';

/** Any number of segments, none included. */
export const ANY_DEPTH = '**';

export type Step = typeof ANY_DEPTH | Segment;

/** A pattern without groups, segment by segment. Never empty. */
export type Alternative = readonly Step[];

/**
 * The patterns without groups that a pattern stands for, each once, sorted by their text; or why it is none. Groups are
 * spelled out first, and each alternative is then folded like any path.
 */
export function readAlternatives(raw: string): readonly Alternative[] | PatternRefusal {
  const slashed = raw.trim().normalize('NFC').replaceAll('\\', '/');
  if (/\[:\w*:\]/.test(slashed)) {
    return unclear('Named classes such as [:alpha:] are not known; write the characters or a range.');
  }
  const expanded = expandGroups(withPlainBrackets(slashed), PATTERN_LIMITS.alternatives);
  if (expanded === null) return refusal('too-many-alternatives');
  if (expanded.reduce((length, text) => length + text.length, 0) > PATTERN_LIMITS.expandedLength) {
    return refusal('too-long');
  }
  const byText = new Map<string, Alternative>();
  const known = new Map<string, Segment>();
  for (const text of expanded) {
    const alternative = readAlternative(text, known);
    if ('kind' in alternative) return alternative;
    byText.set(plainTextOf(alternative), alternative);
  }
  return [...byText.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, alternative]) => alternative);
}

/** One text for each pattern without groups: nothing in it can be taken for something else. */
export function plainTextOf(alternative: Alternative): string {
  return alternative.map((step) => (step === ANY_DEPTH ? step : step.plainText)).join('/');
}

/** The same, with ordinary characters as they are. */
export function textOf(alternative: Alternative): string {
  return alternative.map((step) => (step === ANY_DEPTH ? step : step.text)).join('/');
}

function readAlternative(text: string, known: Map<string, Segment>): Alternative | PatternRefusal {
  const names = text.split('/').map((name) => name.trim());
  const deep = names.indexOf(ANY_DEPTH);
  if (deep !== -1 && names.includes('..', deep)) {
    return unclear('".." behind "**" could mean many folders; write the pattern without "..".');
  }
  const path = normalPath(text);
  if (path === null) return refusal(climbsOut(names) ? 'leads-out' : 'names-nothing');
  const steps = path.split('/').map((name) => (name === ANY_DEPTH ? name : knownSegment(name, known)));
  if (/\/\s*$/.test(text)) steps.push(ANY_DEPTH);
  return steps.length > PATTERN_LIMITS.segments ? refusal('too-deep') : folded(steps);
}

/** Alternatives have most of their segments in common, and share them. */
function knownSegment(name: string, known: Map<string, Segment>): Segment {
  const segment = known.get(name) ?? readSegment(name);
  known.set(name, segment);
  return segment;
}

/** Whether `..` leads above the start. */
export function climbsOut(names: readonly string[]): boolean {
  let depth = 0;
  for (const name of names) {
    if (name === '..') depth--;
    else if (name !== '' && name !== '.') depth++;
    if (depth < 0) return true;
  }
  return false;
}

/** In a run of `*` and `**` the order means nothing, and one `**` is as good as many. */
function folded(steps: readonly Step[]): Alternative {
  const result: Step[] = [];
  for (const step of steps) {
    const deep = result.at(-1) === ANY_DEPTH;
    if (deep && step === ANY_DEPTH) continue;
    if (deep && step !== ANY_DEPTH && step.isAny) result.splice(-1, 0, step);
    else result.push(step);
  }
  return result;
}
