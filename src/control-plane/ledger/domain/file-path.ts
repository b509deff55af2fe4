/** A path as the ledger compares it: relative to the project, `/` between segments, NFC. */
export type FilePath = string;

/**
 * The normal form of a path: backslashes are slashes, empty segments and `.` are folded, `..` is resolved, a leading
 * `/` or `./` means nothing. Two spellings of one path have one normal form. Null when the path names nothing (blank,
 * the project itself) or leads out of the project.
 *
 * Letter case is kept: `README` and `readme` are two files, as on the systems that agents run on.
 */
export function normalPath(raw: string): FilePath | null {
  const segments: string[] = [];
  for (const segment of raw.trim().normalize('NFC').replaceAll('\\', '/').split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..') {
      if (segments.pop() === undefined) return null;
    } else segments.push(segment);
  }
  if (segments.length === 0) return null;
  // Folding may bare a blank at the end, or join what was apart: the form is normal when it no longer changes.
  const normal = segments.join('/');
  return normal === raw ? normal : normalPath(normal);
}

export interface RequiredFiles {
  /** What the caller wrote, trimmed, without blanks and without second spellings of the same path. */
  readonly names: readonly string[];
  /** The normal forms, one for each name. */
  readonly paths: readonly FilePath[];
  /** The positions of entries that lead out of the project. */
  readonly refused: readonly number[];
}

/** Reads a list of required files. */
export function requiredFiles(raw: readonly string[]): RequiredFiles {
  const byPath = new Map<FilePath, string>();
  const refused: number[] = [];
  raw.forEach((entry, index) => {
    const name = entry.trim();
    if (name === '') return;
    const path = normalPath(name);
    if (path === null) refused.push(index);
    else if (!byPath.has(path)) byPath.set(path, name);
  });
  return { names: [...byPath.values()], paths: [...byPath.keys()], refused };
}
