import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';

/** Where a path really leads, and whether that is inside of one of the allowed roots. */
export type Judgement =
  { readonly ok: true; readonly path: string } | { readonly ok: false; readonly resolved: string };

/** A drive or a share of another system. Where it is none it would be a file with a strange name. */
const FOREIGN = /^(?:[A-Za-z]:[\\/]|\\\\)/;

/**
 * Resolves a path through all links and tells whether it stays inside of the roots. The part that does not exist yet is
 * joined to the deepest folder that does. Relative paths begin at the first root.
 *
 * A process on this machine that swaps a folder for a link between this look and the use is out of its reach.
 */
export async function judgePath(raw: string, roots: readonly string[]): Promise<Judgement> {
  if (FOREIGN.test(raw)) return { ok: false, resolved: raw };
  const path = await resolveThroughLinks(resolve(roots[0] ?? '/', raw));
  for (const root of await realRoots(roots)) {
    if (path === root || path.startsWith(root.endsWith(sep) ? root : root + sep)) return { ok: true, path };
  }
  return { ok: false, resolved: path };
}

/** The roots, resolved through all links. */
export function realRoots(roots: readonly string[]): Promise<string[]> {
  return Promise.all(roots.map((root) => resolveThroughLinks(resolve(root))));
}

/**
 * The repository that a folder of it belongs to: the nearest folder upwards with a `.git`, not beyond the roots; the
 * folder itself when there is none.
 */
export async function repositoryOf(folder: string, roots: readonly string[]): Promise<string> {
  const real = await realRoots(roots);
  for (let at = folder; ; at = dirname(at)) {
    if (await exists(join(at, '.git'))) return at;
    if (real.includes(at) || dirname(at) === at) return folder;
  }
}

async function resolveThroughLinks(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // What cannot be looked into may lead anywhere, so it leads to where nothing is allowed.
    if (code !== 'ENOENT' && code !== 'ENOTDIR') return '/';
    if (dirname(path) === path) return path;
    // A dangling link would be followed when the file is made.
    if (await isLink(path)) return '/';
    return join(await resolveThroughLinks(dirname(path)), basename(path));
  }
}

async function isLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch {
    return false;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    return false;
  }
}
