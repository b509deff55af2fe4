import { setTimeout as wait } from 'node:timers/promises';
import { type Command } from 'commander';
import { type Host } from '../../contracts/skyclaw.js';
import { age, record, table } from '../table.js';
import { plain, say, sayJson, UsageError } from '../terminal.js';
import { type Coordinator, type HostOrder, openCoordinator } from './coordinator.js';
import { durationFlag } from '../flags.js';
import { whenInterrupted } from './interrupt.js';
import { Patience } from './patience.js';

const LOOK_MS = 1_000;

interface OrderFlags {
  readonly reason?: string;
  readonly json?: true;
}

/** Orders that are one call, and what they do. */
const orders = {
  'cordon-host': { order: 'cordon', about: 'give a host no new work; what runs goes on' },
  'uncordon-host': { order: 'uncordon', about: 'give a host work again after cordon or drain' },
  'revoke-host': {
    order: 'revoke',
    about: 'shut a host out, and take its work back',
  },
  'readmit-host': { order: 'readmit', about: 'let a revoked host in again' },
} as const satisfies Record<string, { order: HostOrder; about: string }>;

export function addHostCommands(program: Command): void {
  program
    .command('list-hosts')
    .summary('list hosts')
    .description('Lists hosts with what they can do and how busy they are.')
    .option('--json', 'print what the API answers')
    .addHelpText('after', '\nExample:\n  skyclaw list-hosts')
    .action(listHosts);
  program
    .command('get-host')
    .summary('show a host')
    .description('Shows a host.')
    .argument('<id>')
    .option('--json', 'print what the API answers')
    .addHelpText('after', '\nExample:\n  skyclaw get-host host_3f2a')
    .action(getHost);
  program
    .command('drain-host')
    .summary('empty a host before it is worked on')
    .description(
      'Gives a host no new work, moves its services elsewhere, and lets its jobs end until the deadline; what runs then is taken back. uncordon-host ends it.',
    )
    .argument('<id>')
    .option('--deadline <duration>', 'how long its jobs may go on: 10m', durationFlag)
    .option('--reason <text>', 'shown with the host')
    .option('--wait', 'wait until nothing runs there')
    .option('--json', 'print what the API answers')
    .addHelpText(
      'after',
      "\nExample:\n  skyclaw drain-host host_3f2a --deadline 10m --reason 'new kernel' --wait",
    )
    .action(drainHost);
  for (const [name, { order, about }] of Object.entries(orders)) {
    program
      .command(name)
      .summary(about)
      .description(`${about.charAt(0).toUpperCase()}${about.slice(1)}.`)
      .argument('<id>')
      .option('--reason <text>', 'kept with the host')
      .option('--json', 'print what the API answers')
      .addHelpText('after', `\nExample:\n  skyclaw ${name} host_3f2a --reason 'disk is failing'`)
      .action(async (id: string, flags: OrderFlags) => {
        const answer = await openCoordinator().orderHost(id, order, { reason: flags.reason });
        tell(answer, flags);
      });
  }
}

async function listHosts(flags: { readonly json?: true }): Promise<void> {
  const answer = await openCoordinator().hosts();
  if (flags.json === true) {
    sayJson(answer);
    return;
  }
  const rows = answer.hosts.map((host) => [
    host.id,
    host.name,
    host.status,
    `${host.activeLeases}/${host.maxParallel}`,
    age(host.lastSeenAt),
    host.capabilities.join(','),
  ]);
  say(table(['ID', 'NAME', 'STATUS', 'JOBS', 'SEEN', 'CAPABILITIES'], rows));
}

async function getHost(id: string, flags: { readonly json?: true }): Promise<void> {
  const answer = await openCoordinator().host(id);
  if (flags.json === true) {
    sayJson(answer);
    return;
  }
  const { host } = answer;
  say(
    record({
      id: host.id,
      name: host.name,
      status: host.status,
      jobs: `${host.activeLeases} of ${host.maxParallel}`,
      capabilities: host.capabilities.join(', '),
      draining: host.drain && drainText(host.drain),
      registered: host.registeredAt,
      'last seen': `${host.lastSeenAt} (${age(host.lastSeenAt)} ago)`,
    }),
  );
}

async function drainHost(
  id: string,
  flags: OrderFlags & { readonly deadline?: number; readonly wait?: true },
): Promise<void> {
  const coordinator = openCoordinator();
  let answer = await coordinator.orderHost(id, 'drain', { deadlineMs: flags.deadline, reason: flags.reason });
  if (flags.wait === true) {
    const { host: draining } = answer;
    answer = {
      host: await whenInterrupted(
        `${id} goes on draining. Look at it with skyclaw get-host ${id}, or end it with skyclaw uncordon-host ${id}.`,
        () => {
          if (flags.json !== true) tell({ host: draining }, flags);
          return untilDrained(coordinator, draining, flags.json !== true);
        },
      ),
    };
  } else {
    tell(answer, flags);
    return;
  }
  if (flags.json === true) sayJson(answer);
}

/** Looks until nothing runs on a host, and says what is left when that changes. Throws when the drain is ended by others. */
async function untilDrained(coordinator: Coordinator, host: Host, aloud: boolean): Promise<Host> {
  const patience = new Patience(coordinator.patienceMs);
  for (let seen = host; ;) {
    if (seen.status === 'drained' || (seen.status === 'offline' && seen.activeLeases === 0)) return seen;
    if (seen.status === 'online' || seen.status === 'cordoned' || seen.status === 'revoked') {
      throw new UsageError(`${seen.id} is no longer draining, it is ${seen.status}`);
    }
    await wait(LOOK_MS);
    const { host: next } = await patience.until(() => coordinator.host(host.id));
    if (aloud && (next.status !== seen.status || next.activeLeases !== seen.activeLeases))
      say(sentence(next));
    seen = next;
  }
}

function tell(answer: { readonly host: Host }, { json }: { readonly json?: true }): void {
  if (json === true) sayJson(answer);
  else say(sentence(answer.host));
}

function sentence({ id, status, activeLeases, drain }: Host): string {
  const jobs = activeLeases === 0 ? 'no jobs' : activeLeases === 1 ? '1 job' : `${activeLeases} jobs`;
  const until = status === 'draining' && drain?.deadline !== undefined ? `, until ${drain.deadline}` : '';
  return plain(`${id} is ${status}, with ${jobs}${until}.`);
}

function drainText({ since, deadline, reason }: NonNullable<Host['drain']>): string {
  const until = deadline === undefined ? '' : ` until ${deadline}`;
  return `since ${since}${until}${reason === '' ? '' : `: ${reason}`}`;
}
