import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileEntry } from 'ssh2';
import { type MachineFiles } from '../../../actions/index.js';
import { type PathFlavour } from '../domain/remote-path.js';
import { isMissing, isOfHost, type RemoteFiles } from './remote-files.js';

const OWNER_ONLY = { folder: 0o700, file: 0o600 } as const;
/** No file that is copied on a host is larger. */
const MAX_COPIED_BYTES = 64 * 1_048_576;

/** The files of a host, as work on any machine sees them. `scratchIn`: where folders for such work are made. */
export function machineFiles(files: RemoteFiles, flavour: PathFlavour, scratchIn: string): MachineFiles {
  // Programs that run everywhere put a slash between names.
  const wire = (path: string) => flavour.toWire(flavour.parse(path, scratchIn, scratchIn) ?? path);
  return {
    makeScratch: async () => {
      const path = flavour.join(scratchIn, `skynet-agent-${randomBytes(8).toString('hex')}`);
      await files.makeFolder(flavour.toWire(path), OWNER_ONLY.folder);
      return path;
    },
    makeFolder: (path) => files.makeFolder(wire(path), OWNER_ONLY.folder),
    write: (path, text) => files.create(wire(path), Buffer.from(text, 'utf8'), OWNER_ONLY.file),
    copy: async (from, to) => {
      await files.remove(wire(to)).catch(unlessMissing);
      const size = await files.stat(wire(from)).then((found) => found.size, unlessMissing);
      if (size === undefined) return;
      if (size > MAX_COPIED_BYTES) throw new Error(`${from} is larger than ${MAX_COPIED_BYTES} bytes`);
      await files.create(wire(to), await files.readHead(wire(from), size), OWNER_ONLY.file);
    },
    remove: (path) => did(files.remove(wire(path))),
    removeEmpty: (path) => did(files.removeFolder(wire(path))),
    removeAll: (path) => removeAll(files, wire(path)),
  };
}

async function removeAll(files: RemoteFiles, folder: string): Promise<void> {
  const entries: FileEntry[] = [];
  for await (const entry of files.entries(folder)) entries.push(entry);
  await Promise.all(
    entries.map(({ filename, attrs }) => {
      const isFolder = (attrs.mode & constants.S_IFMT) === constants.S_IFDIR;
      const path = `${folder}/${filename}`;
      return isFolder ? removeAll(files, path) : files.remove(path);
    }),
  );
  await files.removeFolder(folder);
}

function unlessMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}

/** Whether the host has done it, rather than refused. */
const did = (asked: Promise<void>): Promise<boolean> =>
  asked.then(
    () => true,
    (error: unknown) => {
      if (isOfHost(error)) return false;
      throw error;
    },
  );
