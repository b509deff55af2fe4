import { randomBytes } from 'node:crypto';
import { mkdir, open, opendir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { type ActionResult } from '../../../contracts/gateway-api.js';
import { ActionError, type Params } from './parameters.js';

const MAX_CONTENT_BYTES = 1_048_576;
const MAX_READ_CHARACTERS = 65_536;
const MAX_ENTRIES = 500;
const MAX_DEPTH = 3;

const done = (stdout: string): ActionResult => ({ returncode: 0, stdout, stderr: '' });

/** Writes a file whole or not at all: readers see the old content or the new. Missing folders are made. */
export async function writeFileAction(path: string, params: Params): Promise<ActionResult> {
  const { content } = params;
  if (typeof content !== 'string') throw new ActionError("Parameter 'content' must be a string.");
  const bytes = Buffer.byteLength(content);
  if (bytes > MAX_CONTENT_BYTES) throw new ActionError('Content exceeds 1 MB limit.');
  await mkdir(dirname(path), { recursive: true });
  const draft = join(dirname(path), `.skynet-${randomBytes(6).toString('hex')}`);
  try {
    await writeFile(draft, content);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  return done(`Wrote ${bytes} bytes to ${path}.`);
}

/** The beginning of a file, never more of it than is shown. */
export async function readFileAction(path: string): Promise<ActionResult> {
  const file = await open(path, 'r');
  try {
    if (!(await file.stat()).isFile()) throw new ActionError('Not a regular file.');
    // UTF-8 has at most four bytes a character.
    const buffer = Buffer.alloc(MAX_READ_CHARACTERS * 4 + 4);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    const text = buffer.toString('utf8', 0, bytesRead);
    return done(
      text.length > MAX_READ_CHARACTERS
        ? `${text.slice(0, MAX_READ_CHARACTERS)}\n... (truncated at 64 KB)`
        : text,
    );
  } finally {
    await file.close();
  }
}

export async function createDirectoryAction(path: string): Promise<ActionResult> {
  await mkdir(path, { recursive: true });
  return done(`Created ${path}.`);
}

/** The names in a folder, folders with a trailing slash; with `recursive` three levels deep. Links are named, not followed. */
export async function listDirectoryAction(path: string, params: Params): Promise<ActionResult> {
  const names: string[] = [];
  await list(path, path, params['recursive'] === true ? MAX_DEPTH : 1, names);
  const cut = names.length >= MAX_ENTRIES ? [`... (truncated at ${MAX_ENTRIES} entries)`] : [];
  return done([...names.sort(), ...cut].join('\n'));
}

async function list(root: string, folder: string, depth: number, names: string[]): Promise<void> {
  for await (const entry of await opendir(folder)) {
    if (names.length >= MAX_ENTRIES) return;
    const path = join(folder, entry.name);
    names.push(relative(root, path) + (entry.isDirectory() ? '/' : ''));
    if (entry.isDirectory() && depth > 1) await list(root, path, depth - 1, names);
  }
}
