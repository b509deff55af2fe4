const MAX_LENGTH = 500;
const CONTROL = /\p{Cc}/u;
const GLOB = /[*?{}[\]]/;

/** Why a path of a plan is not one below the project's folder; null when it is. */
export function refusalOfPath(path: string, { pattern = false, folder = false } = {}): string | null {
  if (path === '') return 'is empty';
  if (path.length > MAX_LENGTH) return `is longer than ${MAX_LENGTH} characters`;
  if (CONTROL.test(path)) return 'contains control characters';
  if (path.includes('\\')) return 'contains a backslash; use / between folders';
  if (path.startsWith('/') || path.startsWith('~') || /^[A-Za-z]:/.test(path)) {
    return 'is not relative to the project folder';
  }
  if (path.startsWith('-')) return "must not start with '-'";
  const parts = path.split('/');
  if (parts.includes('..')) return "must not contain '..'";
  if (parts.some((part) => part.toLowerCase() === '.git')) return 'leads into .git';
  if (!pattern && !folder && (path.endsWith('/') || parts.at(-1) === '.'))
    return 'names a folder, not a file';
  if (!pattern && parts.some((part) => part.includes(':'))) return "contains ':'";
  return null;
}

/** What a task owns that writes `path`: the file, or, when its name reads as a glob, the folder that it is in. */
export function ownershipOf(path: string): string {
  if (!GLOB.test(path)) return path;
  const folders = path.split('/').slice(0, -1);
  const plain = folders.slice(0, firstGlob(folders));
  return plain.length === 0 ? '**' : `${plain.join('/')}/`;
}

function firstGlob(folders: readonly string[]): number {
  const index = folders.findIndex((folder) => GLOB.test(folder));
  return index === -1 ? folders.length : index;
}
