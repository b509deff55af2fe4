import { normalPath } from './file-path.js';
import {
  type Alternative,
  ANY_DEPTH,
  climbsOut,
  plainTextOf,
  readAlternatives,
  textOf,
} from './alternatives.js';
import { type FilePattern, PATTERN_LIMITS, type PatternRefusal, refusal } from './pattern.js';

/**
 * Reads a path or pattern as a caller writes it. Backslashes are slashes, so that a character is made plain by brackets
 * of its own (`[[]id]` names `[id]`), never by a backslash.
 */
export function parsePattern(raw: string): FilePattern | PatternRefusal {
  if (raw.length > PATTERN_LIMITS.length) return refusal('too-long');
  if (!isStorable(raw)) return refusal('not-storable');
  const pattern = /[*?[{]/.test(raw) ? parseGlob(raw) : parsePlain(raw);
  return pattern.kind !== 'refused' && isTooLong(pattern.text) ? refusal('too-long') : pattern;
}

function parsePlain(raw: string): FilePattern | PatternRefusal {
  const path = normalPath(raw);
  if (path === null) {
    const names = raw.split(/[/\\]/).map((name) => name.trim());
    return refusal(climbsOut(names) ? 'leads-out' : 'names-nothing');
  }
  if (countSegments(path) > PATTERN_LIMITS.segments) return refusal('too-deep');
  return /[/\\]\s*$/.test(raw)
    ? { raw, kind: 'tree', text: `${path}/${ANY_DEPTH}`, prefix: path }
    : { raw, kind: 'exact', text: path, prefix: path };
}

function parseGlob(raw: string): FilePattern | PatternRefusal {
  const alternatives = readAlternatives(raw);
  if ('kind' in alternatives) return alternatives;
  return { raw, kind: kindOf(alternatives), text: textFor(alternatives), prefix: prefixOf(alternatives) };
}

function kindOf(alternatives: readonly Alternative[]): FilePattern['kind'] {
  const [alternative] = alternatives;
  if (alternative === undefined || alternatives.length > 1) return 'glob';
  const names = literalNames(alternative).length;
  if (names === alternative.length) return 'exact';
  return names === alternative.length - 1 && alternative.at(-1) === ANY_DEPTH ? 'tree' : 'glob';
}

function prefixOf(alternatives: readonly Alternative[]): string {
  return alternatives.map(literalNames).reduce(sharedStart).join('/');
}

function literalNames(alternative: Alternative): readonly string[] {
  const names: string[] = [];
  for (const step of alternative) {
    if (step === ANY_DEPTH || step.name === null) break;
    names.push(step.name);
  }
  return names;
}

function sharedStart(a: readonly string[], b: readonly string[]): readonly string[] {
  const end = a.findIndex((name, at) => name !== b[at]);
  return end === -1 ? a : a.slice(0, end);
}

/** Ordinary characters stay as they are unless the text would then be read as another pattern. */
function textFor(alternatives: readonly Alternative[]): string {
  const plain = grouped(alternatives.map(plainTextOf));
  const text = grouped(alternatives.map(textOf));
  if (text === plain) return plain;
  const again = readAlternatives(text);
  return 'kind' in again || grouped(again.map(plainTextOf)) !== plain ? plain : text;
}

/** One text for all alternatives: what they share in front, but never the whole of one, stands before the group. */
function grouped(texts: readonly string[]): string {
  if (texts.length === 1) return texts.join('');
  const split = texts.map((text) => text.split('/'));
  const start = split.reduce<readonly string[]>(
    (shared, names) => sharedStart(shared, names.slice(0, -1)),
    split[0]?.slice(0, -1) ?? [],
  );
  const rests = split.map((names) => names.slice(start.length).join('/'));
  return [...start, `{${rests.join(',')}}`].join('/');
}

function isStorable(raw: string): boolean {
  return !raw.includes('\0') && !raw.includes('\u{10ffff}') && raw.isWellFormed();
}

function isTooLong(text: string): boolean {
  return text.length * 3 > PATTERN_LIMITS.textBytes && Buffer.byteLength(text) > PATTERN_LIMITS.textBytes;
}

function countSegments(path: string): number {
  let count = 1;
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) count++;
  return count;
}
