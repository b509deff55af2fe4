/** How paths are written and compared on a remote system. Paths are absolute and free of `.` and `..` everywhere else. */
export interface PathFlavour {
  /**
   * The absolute path that a text means; relative ones begin at `base`, and `home` stands for the user's folder. Null for
   * what is no path of the file system.
   */
  readonly parse: (text: string, base: string, home: string) => string | null;
  /** The names that a path is made of, from its root downwards; the first is the root itself. */
  readonly split: (path: string) => string[];
  readonly join: (folder: string, name: string) => string;
  /** Whether a path is a folder or lies in it. */
  readonly isInside: (path: string, folder: string) => boolean;
  /** As SFTP writes it, and back. */
  readonly toWire: (path: string) => string;
  readonly fromWire: (path: string) => string | null;
}

/** Drops empty names and `.`, and lets `..` take the name before it. */
function collapse(names: readonly string[]): string[] {
  const kept: string[] = [];
  for (const name of names) {
    if (name === '..') kept.pop();
    else if (name !== '' && name !== '.') kept.push(name);
  }
  return kept;
}

const posixJoin = (folder: string, name: string): string =>
  folder === '/' ? `/${name}` : `${folder}/${name}`;

function parsePosix(text: string, base: string): string | null {
  if (text === '' || text.includes('\0')) return null;
  return `/${collapse((text.startsWith('/') ? text : `${base}/${text}`).split('/')).join('/')}`;
}

export const posixPaths: PathFlavour = {
  parse: parsePosix,
  split: (path) => ['/', ...path.split('/').filter((name) => name !== '')],
  join: posixJoin,
  isInside: (path, folder) => path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`),
  toWire: (path) => path,
  fromWire: (path) => parsePosix(path, '/'),
};

/** Never part of a name on Windows; a colon would be a stream of a file, or a path relative to a drive. */
/** Windows takes the control characters from U+007F on, and no others. */
const NOT_IN_NAMES = /[<>:"|?*]|[^\P{Cc}\u007f-\u009f]/u;
const DRIVE = /^\/?([A-Za-z]):[\\/]/;

const windowsJoin = (folder: string, name: string): string =>
  folder + (folder.endsWith('\\') ? '' : '\\') + name;

function parseWindows(text: string, base: string, home: string): string | null {
  if (text === '') return null;
  const expanded = text.replace(/^%USERPROFILE%(?=$|[\\/])/i, home);
  const isAbsolute = DRIVE.test(`${expanded}\\`);
  // A share, a device, or what is relative to the drive: none of them lies below a folder that can be named here.
  if (!isAbsolute && /^[\\/]/.test(expanded)) return null;
  const whole = isAbsolute ? `${expanded}\\` : `${base}\\${expanded}\\`;
  const drive = DRIVE.exec(whole);
  if (drive === null) return null;
  // Windows drops blanks and dots at the end of a name, so that `.. ` means `..`.
  const names = collapse(
    whole
      .slice(drive[0].length)
      .split(/[\\/]/)
      .map((name) => (/^\.{1,2}$/.test(name) ? name : withoutTail(name))),
  );
  if (names.some((name) => NOT_IN_NAMES.test(name))) return null;
  return `${(drive[1] ?? '').toUpperCase()}:\\${names.join('\\')}`;
}

export const windowsPaths: PathFlavour = {
  parse: parseWindows,
  split: (path) => [
    path.slice(0, 3),
    ...path
      .slice(3)
      .split('\\')
      .filter((name) => name !== ''),
  ],
  join: windowsJoin,
  isInside: (path, folder) => {
    const [inner, outer] = [fold(path), fold(folder)];
    return inner === outer || inner.startsWith(outer.endsWith('\\') ? outer : `${outer}\\`);
  },
  toWire: (path) => `/${path.replaceAll('\\', '/')}`,
  fromWire: (path) => parseWindows(path.replace(/^\\(?:\?\?|\\\?)\\/, ''), '', ''),
};

/** `.. ` and `. ` mean `..` and `.`; any other name loses the blanks and dots at its end. */
function withoutTail(name: string): string {
  const bare = name.replace(/ +$/, '');
  return /^\.{1,2}$/.test(bare) ? bare : name.replace(/[. ]+$/, '');
}

/**
 * A path for comparison. Folded are only letters of which either form means the other: what merely looks alike to
 * Unicode is another name to the file system, and may be another folder.
 */
function fold(path: string): string {
  return Array.from(path, (letter) => {
    const upper = letter.toUpperCase();
    return upper.length === letter.length && upper.toLowerCase() === letter.toLowerCase() ? upper : letter;
  }).join('');
}
