import { setTimeout as wait } from 'node:timers/promises';
import { type Job } from '../../contracts/skyclaw.js';
import { note } from '../terminal.js';
import { type Coordinator } from './coordinator.js';
import { Patience } from './patience.js';

const FIRST_LOOK_MS = 200;
const LONGEST_LOOK_MS = 2_000;

/** Looks at a job until it has ended, and returns it as the API shows it. */
export async function untilEnded(coordinator: Coordinator, id: string): Promise<Job> {
  const patience = new Patience(coordinator.patienceMs);
  for (let pauseMs = FIRST_LOOK_MS; ; pauseMs = Math.min(pauseMs * 1.5, LONGEST_LOOK_MS)) {
    const { job } = await patience.until(() => coordinator.job(id));
    if (hasEnded(job)) return job;
    await wait(pauseMs);
  }
}

export function hasEnded({ status }: Job): boolean {
  return status === 'completed' || status === 'failed';
}

/** The exit code of a job's command; 1 for a job that failed without one, and never 0 for one that failed. */
export function exitCodeOf({ status, result }: Job): number {
  const code = result?.exitCode ?? (status === 'completed' ? 0 : 1);
  // A process can end with eight bits only, and 256 would become 0.
  const shown = code & 0xff;
  return shown === 0 && (code !== 0 || status === 'failed') ? 1 : shown;
}

/** Says on stderr why a job has failed, if more is known than its exit code. */
export function noteFailure({ id, status, error }: Job): void {
  if (status === 'failed' && error !== undefined && error !== '') note(`${id} failed: ${error}`);
}
