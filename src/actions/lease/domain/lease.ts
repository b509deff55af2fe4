import { type LeasedFile } from '../../../contracts/gateway-api.js';
import { type FilePattern, matches, normalPath, parsePattern } from '../../../file-patterns/index.js';

/** What a task may write in a repository. */
export interface Lease {
  /** Whether a path, relative to the repository, may be written. */
  covers(path: string): boolean;
}

/**
 * The lease of a task, for a repository at `root`. Its entries are relative to the repository; one that is written as an
 * absolute path may also mean that very place. What is leased for reading covers no write.
 */
export function leaseOf(files: readonly LeasedFile[], root: string): Lease {
  const written = files
    .filter(({ mode }) => mode === 'write')
    .map(({ path }) => ({ pattern: patternOf(path), isAbsolute: path.trim().startsWith('/') }));
  return {
    covers: (path) => {
      const relative = normalPath(path);
      const absolute = normalPath(`${root}/${path}`);
      return written.some(
        ({ pattern, isAbsolute }) => covers(pattern, relative) || (isAbsolute && covers(pattern, absolute)),
      );
    },
  };
}

function covers(pattern: FilePattern, path: string | null): boolean {
  return path !== null && matches(pattern, path);
}

/** What cannot be read as a pattern is one file, as the ledger takes it. */
function patternOf(raw: string): FilePattern {
  const pattern = parsePattern(raw);
  return pattern.kind === 'refused' ? { raw, kind: 'exact', text: raw, prefix: raw } : pattern;
}
