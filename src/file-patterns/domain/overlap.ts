import { type FilePath } from './file-path.js';
import { alternativesOf } from './compiled.js';
import { fitsPath } from './fits.js';
import { alternativesMeet } from './meet.js';
import { type FilePattern, isWithin } from './pattern.js';
import { type Work, WORK_LIMIT } from './work.js';

/**
 * Whether some path belongs to both. Decided exactly; only a comparison beyond {@link WORK_LIMIT}, or with a text that
 * cannot be read, is answered by the safe yes.
 */
export function overlaps(a: FilePattern, b: FilePattern): boolean {
  return a.kind === 'glob' || b.kind === 'glob'
    ? globOverlaps(a, b, { left: WORK_LIMIT })
    : foldersOverlap(a, b);
}

/** Whether a path in normal form belongs to the pattern. */
export function matches(pattern: FilePattern, path: FilePath): boolean {
  switch (pattern.kind) {
    case 'exact':
      return path === pattern.prefix;
    case 'tree':
      return isWithin(pattern.prefix, path);
    case 'glob':
      return isWithin(pattern.prefix, path) && globFits(pattern, path, { left: Infinity });
  }
}

function foldersOverlap(a: FilePattern, b: FilePattern): boolean {
  if (a.kind === 'exact') return b.kind === 'exact' ? a.prefix === b.prefix : isWithin(b.prefix, a.prefix);
  return isWithin(a.prefix, b.prefix) || (b.kind === 'tree' && isWithin(b.prefix, a.prefix));
}

/** As {@link overlaps}, for two patterns of which one at least is a glob. Takes what it costs from `work`. */
export function globOverlaps(a: FilePattern, b: FilePattern, work: Work): boolean {
  const belowA = isWithin(a.prefix, b.prefix);
  const belowB = isWithin(b.prefix, a.prefix);
  if (!belowA && !belowB) return false;
  if (a.kind === 'exact') return belowB && globFits(b, a.prefix, work);
  if (b.kind === 'exact') return belowA && globFits(a, b.prefix, work);
  // Each pattern owns something, and all of it lies below its prefix.
  if ((a.kind === 'tree' && belowA) || (b.kind === 'tree' && belowB) || a.text === b.text) return true;
  const left = alternativesOf(a);
  const right = alternativesOf(b);
  if (left === null || right === null) return true;
  return left.some((one) => right.some((other) => alternativesMeet(one, other, work)));
}

function globFits(glob: FilePattern, path: FilePath, work: Work): boolean {
  const alternatives = alternativesOf(glob);
  if (alternatives === null) return true;
  const names = path.split('/');
  return alternatives.some((alternative) => fitsPath(alternative, names, work));
}
