import { constants, type ReadStream } from 'node:fs';
import { open, opendir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { type Readable } from 'node:stream';
import { ZipFile } from 'yazl';
import { type ActionResult } from '../../contracts/gateway-api.js';
import { type ActionContext, type MachineActions } from '../machine-action.js';
import { text } from '../parameters.js';
import { done, failed } from '../results.js';
import { throwIfOver } from '../time-limit.js';

export const archiveActions: MachineActions = {
  zip_project: {
    params: { working_dir: text({ required: true }) },
    repeatable: true,
    uncut: true,
    execute: zipProject,
  },
};

const MAX_ARCHIVE_BYTES = 10 * 1_048_576;
const MAX_FILES = 20_000;
/** What can be made again, what belongs to the machine and not to the project, and the history. */
const LEFT_OUT = new Set(['.git', 'node_modules', '.venv', 'venv', '__pycache__']);

/** The files of a project as a ZIP archive in base64. Links and what is in {@link LEFT_OUT} are left out. */
async function zipProject(context: ActionContext): Promise<ActionResult> {
  const paths: string[] = [];
  if (!(await collect(context, context.cwd, paths))) {
    return failed(`Project exceeds ${MAX_FILES} files limit.`);
  }
  const reading = new Set<ReadStream>();
  const zip = new ZipFile();
  const output = zip.outputStream as Readable;
  zip.on('error', (error: Error) => output.destroy(error));
  for (const path of paths.sort()) {
    zip.addReadStreamLazy(relative(context.cwd, path), {}, (give) => {
      openWithoutLinks(path).then(
        (stream) => {
          reading.add(stream);
          stream.once('close', () => reading.delete(stream));
          give(null, stream);
        },
        (error: unknown) => output.destroy(error as Error),
      );
    });
  }
  zip.end();
  try {
    const archive = await readUpTo(output, MAX_ARCHIVE_BYTES, context);
    return archive === null ? failed('Archive exceeds 10 MB limit.') : done(archive.toString('base64'));
  } finally {
    for (const stream of reading) stream.destroy();
  }
}

/** False when there are more than an archive may have. */
async function collect(context: ActionContext, folder: string, paths: string[]): Promise<boolean> {
  for await (const entry of await opendir(folder)) {
    throwIfOver(context);
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !LEFT_OUT.has(entry.name)) {
      if (!(await collect(context, path, paths))) return false;
    } else if (entry.isFile()) {
      if (paths.length >= MAX_FILES) return false;
      paths.push(path);
    }
  }
  return true;
}

async function openWithoutLinks(path: string): Promise<ReadStream> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  return file.createReadStream();
}

/** All of a stream, or null when it is larger. */
async function readUpTo(stream: Readable, maxBytes: number, context: ActionContext): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    throwIfOver(context);
    size += chunk.length;
    if (size > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
