import { type Command } from 'commander';
import { type Service } from '../../contracts/skyclaw.js';
import { age, table } from '../table.js';
import { note, plain, say, sayJson, UsageError } from '../terminal.js';
import { type Coordinator, openCoordinator } from './coordinator.js';
import { countFlag, listFlag, pairsFlag } from '../flags.js';
import { ApiError } from '../api/api-error.js';
import { findService, getService } from './named-service.js';
import { watchRollout } from './rollout.js';

interface DeployFlags {
  readonly replicas: number;
  readonly capability?: readonly string[];
  readonly maxPerHost?: number;
  readonly healthPath?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly image?: string;
  readonly id?: string;
  readonly wait?: true;
  readonly json?: true;
}

interface JsonFlag {
  readonly json?: true;
}

export function addServiceCommands(program: Command): void {
  addDeploy(program);
  program
    .command('list-services')
    .summary('list services as JSON')
    .description('Prints services with their assignments, as the API answers.')
    .option('--table', 'print a table instead')
    .option('--json', 'print what the API answers (always, but with --table)')
    .addHelpText('after', '\nExamples:\n  skyclaw list-services\n  skyclaw list-services --table')
    .action(listServices);
  addOrder(program, 'stop-service', 'stop a service, and keep its record', (coordinator, id) =>
    coordinator.orderService(id, 'stop'),
  );
  addOrder(program, 'delete-service', 'stop a service and remove it', (coordinator, id) =>
    coordinator.deleteService(id),
  );
  addOrder(program, 'restart-service', 'replace its processes one by one', (coordinator, id) =>
    coordinator.orderService(id, 'restart'),
  );
  program
    .command('scale-service')
    .summary('change the number of replicas')
    .description('Changes how many processes of a service run.')
    .argument('<id|name>')
    .argument('<replicas>', 'so many', countFlag)
    .option('--json', 'print what the API answers')
    .addHelpText('after', '\nExample:\n  skyclaw scale-service web 3')
    .action(async (name: string, replicas: number, flags: JsonFlag) => {
      const coordinator = openCoordinator();
      const { id } = await getService(coordinator, name);
      tell(await coordinator.scaleService(id, replicas), flags);
    });
}

function addDeploy(program: Command): void {
  program
    .command('deploy-service')
    .summary('run a command as a service on hosts')
    .description(
      'Runs a command as a service, on hosts with the capability service-host, and prints its id. The command learns its port from PORT. Where a service of this name runs, or one has the given --id, it is changed: its processes are replaced one by one.',
    )
    .usage('[flags] <name> [--] <command> [args...]')
    .passThroughOptions()
    .argument('[name]', 'name of the service; the service gateway knows it by this')
    .argument('[command]', 'command to run; the hosts must allow it')
    .argument('[args...]', 'its arguments, flags included')
    .option('--replicas <number>', 'so many processes', countFlag, 1)
    .option('--capability <name>', 'something else that hosts must have (repeatable)', listFlag)
    .option('--max-per-host <number>', 'so many processes on one host at most', countFlag)
    .option('--health-path <path>', 'path that answers when a process is well: /health')
    .option('--env <name=value>', 'variable of its environment (repeatable)', pairsFlag)
    .option('--cwd <folder>', 'folder on the hosts to run in')
    .option('--image <name>', 'image to run in, on hosts that isolate')
    .option('--id <serviceId>', 'id of the service, to change the one that has it')
    .option('--wait', 'wait until it is rolled out')
    .option('--json', 'print what the API answers')
    .addHelpText(
      'after',
      `
Examples:
  skyclaw deploy-service web node server.js
  skyclaw deploy-service --replicas 3 --health-path /health --wait web node server.js --quiet`,
    )
    .action(
      (name: string | undefined, command: string | undefined, args: readonly string[], flags: DeployFlags) =>
        deploy(name, command === '--' ? args : [command, ...args], flags),
    );
}

async function deploy(
  name: string | undefined,
  [command, ...args]: readonly (string | undefined)[],
  flags: DeployFlags,
): Promise<void> {
  if (name === undefined || name === '' || command === undefined || command === '') {
    throw new UsageError('deploy-service requires <name> <command> [args...]');
  }
  const coordinator = openCoordinator();
  const wish = {
    serviceId: flags.id,
    name,
    command,
    args,
    cwd: flags.cwd,
    env: flags.env,
    replicas: flags.replicas,
    requiredCapabilities: [...new Set(['service-host', ...(flags.capability ?? [])])],
    maxPerHost: flags.maxPerHost,
    healthPath: flags.healthPath,
    image: flags.image,
  };
  const answer = await coordinator.deploy(wish).catch(async (error: unknown) => {
    const isThere = error instanceof ApiError && error.status === 409 && flags.id === undefined;
    const service = isThere ? await findService(coordinator, name) : undefined;
    if (service === undefined) throw error;
    note(`${name} is there already (${service.id}): this is its next generation.`);
    return coordinator.deploy({ ...wish, serviceId: service.id });
  });
  const { id, generation } = answer.service;
  if (flags.json === true) sayJson(answer);
  else say(id);
  if (flags.wait === true) process.exitCode = await watchRollout(coordinator, { id, generation, say: note });
}

function addOrder(
  program: Command,
  name: string,
  about: string,
  order: (coordinator: Coordinator, id: string) => Promise<{ readonly service: Service }>,
): void {
  program
    .command(name)
    .summary(about)
    .description(`${about.charAt(0).toUpperCase()}${about.slice(1)}.`)
    .argument('<id|name>')
    .option('--json', 'print what the API answers')
    .addHelpText('after', `\nExample:\n  skyclaw ${name} web`)
    .action(async (idOrName: string, flags: JsonFlag) => {
      const coordinator = openCoordinator();
      const { id } = await getService(coordinator, idOrName);
      const answer = await order(coordinator, id);
      if (name === 'delete-service' && flags.json !== true) {
        say(plain(`${answer.service.name} (${answer.service.id}) is deleted.`));
      } else {
        tell(answer, flags);
      }
    });
}

async function listServices(flags: JsonFlag & { readonly table?: true }): Promise<void> {
  const answer = await openCoordinator().services();
  if (flags.table !== true) {
    sayJson(answer);
    return;
  }
  const rows = answer.services.map((service) => [
    service.id,
    service.name,
    service.status,
    `${running(service)}/${service.replicas}`,
    String(service.generation),
    age(service.createdAt),
    service.assignments.flatMap(({ endpoint }) => endpoint ?? []).join(' '),
  ]);
  say(table(['ID', 'NAME', 'STATUS', 'RUNNING', 'GENERATION', 'AGE', 'ENDPOINTS'], rows));
}

function tell(answer: { readonly service: Service }, { json }: JsonFlag): void {
  if (json === true) {
    sayJson(answer);
    return;
  }
  const { service } = answer;
  const runs = `${running(service)} of ${service.replicas} run`;
  say(plain(`${service.name} (${service.id}) is ${service.status}: ${runs}.`));
}

function running({ assignments }: Service): number {
  return assignments.filter(({ status }) => status === 'running').length;
}
