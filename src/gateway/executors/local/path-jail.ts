import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';

/** Where a path really leads, and whether that is inside of one of the allowed roots. */
export type Judgement =
  { readonly ok: true; readonly path: string } | { readonly ok: false; readonly resolved: string };

/**
 * Resolves a path through all links and tells whether it stays inside of the roots. The part that does not exist yet is
 * joined to the deepest folder that does. Relative paths begin at the first root.
 *
 * A process on this machine that swaps a folder for a link between this look and the use is out of its reach.
 */
export async function judgePath(raw: string, roots: readonly string[]): Promise<Judgement> {
  const wanted = resolve(roots[0] ?? '/', raw);
  const path = await resolveThroughLinks(wanted);
  for (const root of roots) {
    const real = await resolveThroughLinks(resolve(root));
    if (path === real || path.startsWith(real.endsWith(sep) ? real : real + sep)) return { ok: true, path };
  }
  return { ok: false, resolved: path };
}

async function resolveThroughLinks(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A dangling link would be followed when the file is made: it counts as leading nowhere that is allowed.
    if (code === 'ELOOP') return '/';
    if (code !== 'ENOENT' && code !== 'ENOTDIR') return '/';
    if (dirname(path) === path) return path;
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
