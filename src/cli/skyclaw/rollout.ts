import { setTimeout as wait } from 'node:timers/promises';
import { type Command } from 'commander';
import { type Rollout } from '../../contracts/skyclaw.js';
import { plain, say, sayJson } from '../terminal.js';
import { type Coordinator, openCoordinator } from './coordinator.js';
import { whenInterrupted } from './interrupt.js';
import { getService } from './named-service.js';
import { Patience } from './patience.js';

const LOOK_MS = 500;

export function addRolloutCommand(program: Command): void {
  program
    .command('rollout')
    .summary('show how far a deployment has come')
    .description(
      'Shows how far the newest generation of a service has come. Ends with 0 when it is complete, and with 1 when it was rolled back, has failed or the service is stopped.',
    )
    .argument('<id|name>')
    .option('--watch', 'print progress until it has ended')
    .option('--json', 'print what the API answers')
    .addHelpText('after', '\nExample:\n  skyclaw rollout web --watch')
    .action(rollout);
}

async function rollout(name: string, flags: { readonly watch?: true; readonly json?: true }): Promise<void> {
  const coordinator = openCoordinator();
  const { id } = await getService(coordinator, name);
  if (flags.watch === true) {
    const tell = flags.json === true ? undefined : say;
    process.exitCode = await watchRollout(coordinator, { id, generation: 0, say: tell });
    if (flags.json !== true) return;
  }
  const answer = await coordinator.rollout(id);
  if (flags.json === true) sayJson(answer);
  else say(progress(answer.rollout));
  process.exitCode = exitCode(answer.rollout);
}

export interface Watched {
  readonly id: string;
  /** What is known of older generations is not waited for. */
  readonly generation: number;
  readonly say: ((line: string) => void) | undefined;
}

/** Looks until the newest generation of a service has come as far as it does, and returns the exit code. */
export function watchRollout(coordinator: Coordinator, watched: Watched): Promise<number> {
  return whenInterrupted(`The rollout goes on. Look at it with skyclaw rollout ${watched.id}.`, () =>
    untilSettled(coordinator, watched),
  );
}

async function untilSettled(
  coordinator: Coordinator,
  { id, generation, say: tell }: Watched,
): Promise<number> {
  const patience = new Patience(coordinator.patienceMs);
  let said = '';
  for (;;) {
    const { rollout: seen } = await patience.until(() => coordinator.rollout(id));
    if (seen.generation >= generation) {
      const line = progress(seen);
      if (line !== said && tell !== undefined) tell(line);
      said = line;
      if (seen.state !== 'progressing') return exitCode(seen);
    }
    await wait(LOOK_MS);
  }
}

function exitCode({ state }: Rollout): number {
  return state === 'complete' || state === 'progressing' ? 0 : 1;
}

function progress({ generation, state, replicas, updated, ready, old, message }: Rollout): string {
  const counts = `${updated} of ${replicas} updated, ${ready} ready, ${old} old`;
  return plain(`generation ${generation} ${state}: ${counts}${message === '' ? '' : `. ${message}`}`);
}
