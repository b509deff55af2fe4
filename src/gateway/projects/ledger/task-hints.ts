import { setTimeout as wait } from 'node:timers/promises';
import { type ControlPlane } from './control-plane.js';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/**
 * Calls `hint` whenever something has happened to a project's tasks, and once for each new connection, since something
 * may have happened before. Hints may be lost: whoever must miss nothing looks as well. Ends with `signal`.
 */
export async function followTasks(
  controlPlane: ControlPlane,
  projectId: string,
  hint: () => void,
  signal: AbortSignal,
): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    try {
      for await (const chunk of await controlPlane.events(projectId, signal)) {
        pauseMs = FIRST_PAUSE_MS;
        // Comments are signs of life; the first words of a connection name no event, and are a hint all the same.
        if (!Buffer.from(chunk).toString('latin1').startsWith(': ')) hint();
      }
    } catch {
      // Why it broke off does not matter: the looks say what is wrong with the control plane.
    }
    await wait(pauseMs, undefined, { signal }).catch(() => undefined);
    pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
  }
}
