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
