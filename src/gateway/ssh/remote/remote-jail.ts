import { type PathFlavour } from '../domain/remote-path.js';
import { isMissing, isOfHost, type RemoteFiles } from './remote-files.js';

/** As many links as a path may lead through. */
const MAX_LINKS = 40;

/** The folders of the host that actions may touch, resolved, and what paths are judged against. */
export interface RemoteJail {
  /** The folder of the user on the host. */
  readonly home: string;
  readonly roots: readonly string[];
  /** Where a path really leads; null when that is outside of all roots, or nowhere. */
  readonly resolve: (text: string) => Promise<string | null>;
}

/**
 * Looks up where the allowed roots are. Relative paths begin at the first of them. Each path is made absolute, freed of
 * `.` and `..`, resolved through all links by the host, and only then compared.
 *
 * A process on the host that swaps a folder for a link between this look and the use is out of its reach.
 */
export async function remoteJail(
  files: RemoteFiles,
  flavour: PathFlavour,
  configured: readonly string[],
): Promise<RemoteJail> {
  const home = flavour.fromWire(await files.realPath('.')) ?? '';
  const found = await Promise.all(
    configured
      .map((text) => flavour.parse(text, home, home))
      .filter((path) => path !== null)
      .map((path) => resolveLinks(files, flavour, path)),
  );
  const roots = found.filter((root) => root !== null);
  return {
    home,
    roots,
    resolve: async (text) => {
      const path = flavour.parse(text, roots[0] ?? home, home);
      const real = path === null ? null : await resolveLinks(files, flavour, path);
      return real !== null && roots.some((root) => flavour.isInside(real, root)) ? real : null;
    },
  };
}

/**
 * Follows each link of a path, name by name: not every host's SFTP resolves links when it is asked for the real path.
 * What does not exist is kept as it is. Null for what cannot be looked into, which may lead anywhere.
 */
export async function resolveLinks(
  files: RemoteFiles,
  flavour: PathFlavour,
  path: string,
  links = MAX_LINKS,
): Promise<string | null> {
  const [root = '', ...names] = flavour.split(path);
  const folders = names.map((_, index) => names.slice(0, index).reduce(flavour.join, root));
  // Asked all at once: a path costs one journey to the host, and one more for each link.
  const kinds = await Promise.all(
    names.map((name, index) => kindOf(files, flavour.toWire(flavour.join(folders[index] ?? root, name)))),
  );
  const index = kinds.findIndex((kind) => kind !== 'itself');
  if (index === -1 || kinds[index] === 'missing') return path;
  if (kinds[index] === 'closed' || links === 0) return null;
  const folder = folders[index] ?? root;
  const target = await targetOf(files, flavour, flavour.join(folder, names[index] ?? ''), folder);
  if (target === null) return null;
  return resolveLinks(files, flavour, names.slice(index + 1).reduce(flavour.join, target), links - 1);
}

async function kindOf(files: RemoteFiles, wire: string): Promise<'itself' | 'link' | 'missing' | 'closed'> {
  try {
    return (await files.lstat(wire)).isSymbolicLink() ? 'link' : 'itself';
  } catch (error) {
    if (isMissing(error)) return 'missing';
    if (isOfHost(error)) return 'closed';
    throw error;
  }
}

/** Where a link leads, which lies in `folder` if it is relative. Its `..` are collapsed after `folder` was resolved. */
async function targetOf(
  files: RemoteFiles,
  flavour: PathFlavour,
  link: string,
  folder: string,
): Promise<string | null> {
  const text = await files.readLink(flavour.toWire(link));
  return flavour.fromWire(text) !== null && isAbsolute(text)
    ? flavour.fromWire(text)
    : flavour.parse(text, folder, '');
}

const isAbsolute = (text: string) => /^(?:[\\/]|[A-Za-z]:)/.test(text);
