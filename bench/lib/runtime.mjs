// Where the programs that this machine may or may not have are found.
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const [MAJOR, MINOR] = process.versions.node.split('.').map(Number);
const NEW_ENOUGH = MAJOR > 22 || (MAJOR === 22 && MINOR >= 18);

/** A Node.js that the peers accept (22.18 or newer): the one from the `node` package, else this one; null when too old. */
export function peerNode() {
  const own = join(import.meta.dirname, '..', 'node_modules', 'node', 'bin', 'node');
  if (existsSync(own)) return own;
  return NEW_ENOUGH ? process.execPath : null;
}

/** A program on the PATH, or in a folder of Debian's PostgreSQL packages; null when it is not installed. @param {string} name */
export function findProgram(name) {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', ...debianPostgres()];
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null;
}

function debianPostgres() {
  const root = '/usr/lib/postgresql';
  if (!existsSync(root)) return [];
  const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(root, version, 'bin'));
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
