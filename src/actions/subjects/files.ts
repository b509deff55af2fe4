import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, mkdir, open, opendir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { type ActionResult } from '../../contracts/gateway-api.js';
import { cutText } from '../cut-text.js';
import { type MachineActions } from '../machine-action.js';
import { flag, flagParam, text, textParam } from '../parameters.js';
import { done, failed } from '../results.js';

const MAX_CONTENT_BYTES = 1_048_576;
const MAX_READ_CHARACTERS = 65_536;
const MAX_ENTRIES = 500;
const MAX_DEPTH = 3;

export const fileActions: MachineActions = {
  file_write: {
    params: { file: text({ required: true }), content: text({ required: true, mayBeEmpty: true }) },
    repeatable: true,
    refusalOf: (params) =>
      Buffer.byteLength(textParam(params, 'content')) > MAX_CONTENT_BYTES
        ? 'Content exceeds 1 MB limit.'
        : null,
    execute: ({ path, params, written }) => {
      const note = (file: string) => written.note(file);
      return writeWhole(path('file'), textParam(params, 'content'), note);
    },
  },
  file_read: {
    params: { file: text({ required: true }) },
    repeatable: true,
    uncut: true,
    execute: ({ path }) => readBeginning(path('file')),
  },
  create_directory: {
    params: { directory: text({ required: true }) },
    repeatable: true,
    execute: ({ path }) => createDirectory(path('directory')),
  },
  list_directory: {
    params: { directory: text({ required: true }), recursive: flag() },
    repeatable: true,
    execute: ({ path, params }) => listDirectory(path('directory'), flagParam(params, 'recursive')),
  },
};

/**
 * Writes a file whole or not at all: readers see the old content or the new. Missing folders are made, and a file that
 * was there keeps its mode. Every file that it makes is told to `note` before.
 */
async function writeWhole(
  path: string,
  content: string,
  note: (file: string) => void,
): Promise<ActionResult> {
  await mkdir(dirname(path), { recursive: true });
  const draft = join(dirname(path), `.skynet-${randomBytes(6).toString('hex')}`);
  for (const file of [path, draft]) note(file);
  try {
    await writeFile(draft, content, { flag: 'wx' });
    const mode = await modeOf(path);
    if (mode !== null) await chmod(draft, mode);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  return done(`Wrote ${Buffer.byteLength(content)} bytes to ${path}.`);
}

/** The beginning of a file, never more of it than is shown. */
async function readBeginning(path: string): Promise<ActionResult> {
  // A pipe would block until somebody writes to it, and a link would be one that appeared after the path was judged.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    if (!(await file.stat()).isFile()) return failed('Not a regular file.');
    // UTF-8 has at most four bytes a character.
    const buffer = Buffer.alloc(MAX_READ_CHARACTERS * 4 + 4);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    const text = buffer.toString('utf8', 0, bytesRead);
    const cut = text.length > MAX_READ_CHARACTERS ? '\n... (truncated at 64 KB)' : '';
    return done(cutText(text, MAX_READ_CHARACTERS) + cut);
  } finally {
    await file.close();
  }
}

async function createDirectory(path: string): Promise<ActionResult> {
  await mkdir(path, { recursive: true });
  return done(`Created ${path}.`);
}

/** The names in a folder, folders with a trailing slash; recursively three levels deep. Links are named, not followed. */
async function listDirectory(path: string, recursive: boolean): Promise<ActionResult> {
  const names: string[] = [];
  const complete = await list(path, path, recursive ? MAX_DEPTH : 1, names);
  const cut = complete ? [] : [`... (truncated at ${MAX_ENTRIES} entries)`];
  return done([...names.sort(), ...cut].join('\n'));
}

/** False when there is more than may be shown. */
async function list(root: string, folder: string, depth: number, names: string[]): Promise<boolean> {
  for await (const entry of await opendir(folder)) {
    if (names.length >= MAX_ENTRIES) return false;
    const path = join(folder, entry.name);
    names.push(relative(root, path) + (entry.isDirectory() ? '/' : ''));
    if (entry.isDirectory() && depth > 1 && !(await list(root, path, depth - 1, names))) return false;
  }
  return true;
}

async function modeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).mode & 0o777;
  } catch {
    return null;
  }
}
