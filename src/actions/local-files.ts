import { copyFile, mkdir, mkdtemp, rm, rmdir, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MachineFiles } from './machine.js';

/** The files of this machine. */
export const localFiles: MachineFiles = {
  makeScratch: () => mkdtemp(join(tmpdir(), 'skynet-agent-')),
  makeFolder: (path) => mkdir(path),
  write: (path, text) => writeFile(path, text, { mode: 0o600 }),
  copy: async (from, to) => {
    await rm(to, { force: true });
    await copyFile(from, to).catch(unless('ENOENT'));
  },
  remove: (path) => unlink(path).then(yes, unless('ENOENT', 'EISDIR', 'EPERM')),
  removeEmpty: (path) => rmdir(path).then(yes, () => false),
  removeAll: (path) => rm(path, { recursive: true, force: true }),
};

const yes = () => true;

const unless =
  (...codes: readonly string[]) =>
  (error: unknown): false => {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!codes.includes(code)) throw error;
    return false;
  };
