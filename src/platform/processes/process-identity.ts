import { readFileSync } from 'node:fs';
import { parseProcessStat, type ProcessStat } from './domain/process-stat.js';

/** A process id is used again; with the time of the start it names one process of one boot of this machine. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Empty where there is no `/proc`: such a process is never taken for the same. */
  readonly startedAt: string;
}

/** Who the process with this id is now. */
export function identityOfProcess(pid: number): ProcessIdentity {
  const stat = statOf(pid);
  return { pid, startedAt: stat === undefined ? '' : `${bootId()}:${stat.startTicks}` };
}

/** Whether the process that was noted down is still there; one that has ended and is only waited for is not. */
export function isSameProcess({ pid, startedAt }: ProcessIdentity): boolean {
  if (startedAt === '' || !Number.isInteger(pid) || pid <= 1) return false;
  const stat = statOf(pid);
  return stat !== undefined && !stat.isZombie && `${bootId()}:${stat.startTicks}` === startedAt;
}

/** What the system says of a process; undefined when there is none, or no `/proc`. */
export function statOf(pid: number): ProcessStat | undefined {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return undefined;
  }
}

let knownBootId: string | undefined;

/** Tells one boot of this machine from the next. */
function bootId(): string {
  if (knownBootId === undefined) {
    try {
      knownBootId = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    } catch {
      knownBootId = 'unknown';
    }
  }
  return knownBootId;
}
