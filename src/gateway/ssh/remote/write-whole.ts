import { randomBytes } from 'node:crypto';
import { type PathFlavour } from '../domain/remote-path.js';
import { isMissing, type RemoteFiles } from './remote-files.js';

/** Where a file is, or shall be. */
export interface Place {
  readonly files: RemoteFiles;
  readonly flavour: PathFlavour;
  readonly path: string;
}

/**
 * Puts a file in its place, whole: readers see what was there or what is there now. Makes the folders above it. With
 * `forOwner` nobody else may read it; otherwise it has the mode that it had.
 */
export async function writeWhole(
  { files, flavour, path }: Place,
  content: Buffer,
  { forOwner = false } = {},
): Promise<void> {
  const folder = parentOf(flavour, path);
  await makeFolders({ files, flavour, path: folder });
  const wire = flavour.toWire(path);
  const draft = flavour.toWire(flavour.join(folder, `.skynet-${randomBytes(6).toString('hex')}`));
  try {
    await files.create(draft, content, forOwner ? 0o600 : undefined);
    const mode = forOwner ? null : await modeOf(files, wire);
    if (mode !== null) await files.changeMode(draft, mode);
    await files.replace(wire, draft);
  } catch (error) {
    await files.remove(draft).catch(() => undefined);
    throw error;
  }
}

/** Makes a folder and those above it, as far as they are missing. */
export async function makeFolders({ files, flavour, path }: Place): Promise<void> {
  const wire = flavour.toWire(path);
  try {
    if ((await files.stat(wire)).isDirectory()) return;
  } catch (error) {
    if (!isMissing(error)) throw error;
    const parent = parentOf(flavour, path);
    if (parent === path) throw error;
    await makeFolders({ files, flavour, path: parent });
  }
  try {
    await files.makeFolder(wire);
  } catch (error) {
    // Somebody else may have been faster.
    const isThere = await files.stat(wire).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (!isThere) throw error;
  }
}

function parentOf(flavour: PathFlavour, path: string): string {
  const [root = '', ...names] = flavour.split(path);
  return names.slice(0, -1).reduce(flavour.join, root);
}

async function modeOf(files: RemoteFiles, wire: string): Promise<number | null> {
  try {
    return (await files.stat(wire)).mode & 0o777;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
