import { constants } from 'node:fs';
import { cutText, textParam } from '../../../actions/index.js';
import { type ActionResult } from '../../../contracts/gateway-api.js';
import { type PathFlavour } from '../domain/remote-path.js';
import { failure } from './run-command.js';
import { type RemoteFiles } from './remote-files.js';
import { makeFolders, writeWhole } from './write-whole.js';

const MAX_READ_CHARACTERS = 65_536;
const MAX_ENTRIES = 500;
const MAX_DEPTH = 3;

const done = (stdout: string): ActionResult => ({ returncode: 0, stdout, stderr: '' });

export interface FileActionContext {
  readonly files: RemoteFiles;
  readonly flavour: PathFlavour;
  readonly params: Readonly<Record<string, unknown>>;
  /** A path parameter, resolved and known to be allowed. */
  readonly path: (key: string) => string;
}

/** What is done for each action on files, within the same bounds as on the gateway's own machine. */
export const remoteFileActions: Readonly<
  Record<string, (context: FileActionContext) => Promise<ActionResult>>
> = {
  file_read: async ({ files, flavour, path }) => {
    const wire = flavour.toWire(path('file'));
    // To open a pipe would last until somebody writes to it.
    if (!(await files.lstat(wire)).isFile()) return failure('Not a regular file.');
    // UTF-8 has at most four bytes a character.
    const text = (await files.readHead(wire, MAX_READ_CHARACTERS * 4 + 4)).toString('utf8');
    const cut = text.length > MAX_READ_CHARACTERS ? '\n... (truncated at 64 KB)' : '';
    return done(cutText(text, MAX_READ_CHARACTERS) + cut);
  },
  file_write: async ({ files, flavour, params, path }) => {
    const file = path('file');
    const content = Buffer.from(textParam(params, 'content'), 'utf8');
    await writeWhole({ files, flavour, path: file }, content);
    return done(`Wrote ${content.length} bytes to ${file}.`);
  },
  create_directory: async ({ files, flavour, path }) => {
    await makeFolders({ files, flavour, path: path('directory') });
    return done(`Created ${path('directory')}.`);
  },
  list_directory: async ({ files, flavour, params, path }) => {
    const names: string[] = [];
    const depth = params['recursive'] === true ? MAX_DEPTH : 1;
    const complete = await list(files, flavour.toWire(path('directory')), '', depth, names);
    const cut = complete ? [] : [`... (truncated at ${MAX_ENTRIES} entries)`];
    return done([...names.sort(), ...cut].join('\n'));
  },
};

/** False when there is more than may be shown. */
async function list(
  files: RemoteFiles,
  folder: string,
  prefix: string,
  depth: number,
  names: string[],
): Promise<boolean> {
  for await (const { filename, attrs } of files.entries(folder)) {
    if (names.length >= MAX_ENTRIES) return false;
    const isFolder = (attrs.mode & constants.S_IFMT) === constants.S_IFDIR;
    names.push(prefix + filename + (isFolder ? '/' : ''));
    if (!isFolder || depth <= 1) continue;
    if (!(await list(files, `${folder}/${filename}`, `${prefix}${filename}/`, depth - 1, names)))
      return false;
  }
  return true;
}
