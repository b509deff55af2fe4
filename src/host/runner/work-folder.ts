import { mkdir, realpath, stat } from 'node:fs/promises';
import { isAbsolute, relative, resolve } from 'node:path';
import { CannotRun } from '../isolation/isolation.js';

/**
 * The folder that a run starts in, with all links resolved: the one that is asked for, a relative one below the work
 * root, or the work root itself. Throws {@link CannotRun} when it is not there, or leaves the work root and may not.
 */
export async function workFolder(
  asked: string | undefined,
  { workRoot, confined }: { readonly workRoot: string; readonly confined: boolean },
): Promise<string> {
  if (asked?.includes('\0') === true) throw new CannotRun('The working directory is no path.');
  await mkdir(workRoot, { recursive: true });
  const root = await realpath(workRoot);
  const folder = await realpath(resolve(root, asked ?? '.')).catch(() => undefined);
  if (folder === undefined || !(await stat(folder)).isDirectory()) {
    throw new CannotRun(`The working directory does not exist: ${asked ?? root}`);
  }
  if (confined && !isBelow(folder, root)) {
    throw new CannotRun(`The working directory is outside of the work root of this host: ${asked ?? root}`);
  }
  return folder;
}

function isBelow(path: string, root: string): boolean {
  const way = relative(root, path);
  return way === '' || (way !== '..' && !way.startsWith('../') && !isAbsolute(way));
}
