import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

const RETRY_MS = 50;
const PATIENCE_MS = 90_000;

/** Runs `work` while no other process of this machine does so with the same `path`. A dead owner's lock is taken over. */
export async function withStartLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const end = performance.now() + PATIENCE_MS;
  while (!tryTake(path)) {
    if (performance.now() > end)
      throw new Error(`Another process has been starting PostgreSQL for too long: ${path}`);
    await wait(RETRY_MS);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function tryTake(path: string): boolean {
  try {
    writeFileSync(path, `${process.pid} ${startOf(process.pid)}`, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const [pid, start] = read(path).split(' ');
  // An empty file is an owner between creating and writing; it gets the benefit of one more look.
  if (pid !== undefined && pid !== '' && !(isAlive(Number(pid)) && startOf(Number(pid)) === start)) {
    rmSync(path, { force: true });
  }
  return false;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When a process began, where the system tells: a pid alone may have been given to another since. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0';
  } catch {
    return '0';
  }
}
