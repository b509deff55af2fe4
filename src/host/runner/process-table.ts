import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { RUN_MARKER } from '../domain/child-environment.js';
import {
  identityOfProcess,
  isSameProcess,
  type ProcessIdentity,
  statOf,
} from '../../platform/processes/process-identity.js';

/** Kills a whole process group; one that is gone already is left alone. */
export function signalGroup(group: number, signal: NodeJS.Signals): void {
  // A group below 2 would be "everybody" or "mine".
  if (!Number.isInteger(group) || group <= 1) return;
  try {
    process.kill(-group, signal);
  } catch {
    // Gone, which is what is wanted; or of another user, whom this one cannot end.
  }
}

/** The processes that `ancestor` has started, and those that they have started, as long as each one's parent lives. */
export function descendantsOf(ancestor: number): readonly ProcessIdentity[] {
  const children = new Map<number, number[]>();
  for (const pid of processIds(readNames())) {
    const parent = statOf(pid)?.parent;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found: number[] = [];
  for (let next = [ancestor]; next.length > 0;) {
    next = next.flatMap((pid) => children.get(pid) ?? []);
    found.push(...next);
  }
  return found.map(identityOfProcess);
}

export function killProcess(identity: ProcessIdentity): void {
  if (!isSameProcess(identity)) return;
  try {
    process.kill(identity.pid, 'SIGKILL');
  } catch {
    // It has ended in between, or belongs to another user.
  }
}

/** How often the table is gone through for a run that goes on starting processes. */
const MOST_ROUNDS = 50;

/**
 * Kills every process whose environment names the run, whatever its group, until there is none. Finds what runs as the
 * daemon's user and has not emptied its environment; nothing where there is no `/proc`. Gives the number killed.
 */
export async function killRun(runId: string): Promise<number> {
  const marker = `${RUN_MARKER}=${runId}`;
  let killed = 0;
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const strays = await processesWith(marker);
    if (strays.length === 0) break;
    for (const pid of strays) {
      // Looked at once more, since the id may be another process's by now.
      if (!hasMarker(environmentOf(pid), marker)) continue;
      killProcess(identityOfProcess(pid));
      killed += 1;
    }
  }
  return killed;
}

/** The same without waiting for anything, once: for a process that is about to end. */
export function killRunNow(runId: string): void {
  const marker = `${RUN_MARKER}=${runId}`;
  for (const pid of processIds(readNames())) {
    if (hasMarker(environmentOf(pid), marker)) killProcess(identityOfProcess(pid));
  }
}

async function processesWith(marker: string): Promise<readonly number[]> {
  const names = await readdir('/proc').catch(() => []);
  const found: number[] = [];
  for (const pid of processIds(names)) {
    // Unreadable: of another user, or gone.
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
    if (hasMarker(environment, marker)) found.push(pid);
  }
  return found;
}

const hasMarker = (environment: string, marker: string) => environment.split('\0').includes(marker);

const processIds = (names: readonly string[]): readonly number[] =>
  names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid);

function readNames(): readonly string[] {
  try {
    return readdirSync('/proc');
  } catch {
    return [];
  }
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return '';
  }
}
