import { Command, Option } from 'commander';
import { type ApiFlags, openControlPlane, withApiFlags } from './api/control-plane.js';
import { listFlag } from './flags.js';
import { table } from './table.js';
import { plain, say, sayJson, textFrom, UsageError } from './terminal.js';

/** A gateway as the control plane shows it; only what the commands print. */
interface Gateway {
  readonly gateway_id: string;
  readonly host: string;
  readonly protocol: string;
  readonly status: string;
  readonly status_reason: string;
  readonly paused_at: string | null;
  readonly pause_reason: string | null;
  readonly version: string | null;
}

interface RegisterFlags extends ApiFlags {
  readonly protocol?: string;
  readonly credential?: string;
  readonly credentialFile?: string;
  readonly capability?: readonly string[];
}

/** `skynet gateways register|list`: which gateways the control plane knows. */
export function gatewaysCommand(): Command {
  const gateways = new Command('gateways')
    .description('register gateways with the control plane, and list them')
    .showSuggestionAfterError();
  withApiFlags(gateways.command('register'))
    .description('make a gateway known, or known anew, and say how it is found')
    .argument('<id>', 'what the control plane calls it')
    .argument('<address>', 'where it listens, as the control plane reaches it')
    .addOption(
      new Option('--protocol <name>', 'what it speaks: ours, or that of real OpenClaw gateways')
        .choices(['skynet', 'openclaw'])
        .default('skynet'),
    )
    .addOption(
      new Option(
        '--credential <file>',
        'its token or password is read from this file (- is standard input), and stored sealed',
      ).conflicts('credentialFile'),
    )
    .option(
      '--credential-file <name>',
      'the control plane reads it itself, at each use, from this file below its SKYNET_SECRETS_DIR',
    )
    .option('--capability <name>', 'what it can do, for tasks that require it (repeatable)', listFlag)
    .addHelpText(
      'after',
      '\nExamples:\n  skynet gateways register second http://127.0.0.1:8767' +
        '\n  skynet gateways register claw http://127.0.0.1:18789 --protocol openclaw --credential token.txt',
    )
    .action(register);
  withApiFlags(gateways.command('list'))
    .description('list gateways, and why one gets no work')
    .addHelpText('after', '\nExample:\n  skynet gateways list')
    .action(list);
  return gateways;
}

async function register(id: string, address: string, flags: RegisterFlags): Promise<void> {
  const api = openControlPlane(flags);
  const gateway = await api.send<Gateway>('POST', '/v1/register-gateway', {
    gateway_id: id,
    host: address,
    protocol: flags.protocol,
    capabilities: flags.capability,
    credential: flags.credential === undefined ? undefined : secretFrom(flags.credential),
    credential_file: flags.credentialFile,
  });
  if (flags.json === true) {
    sayJson(gateway);
    return;
  }
  const why = gateway.status_reason === '' ? '.' : `: ${gateway.status_reason}`;
  say(plain(`${gateway.gateway_id} at ${gateway.host} (${gateway.protocol}) is ${gateway.status}${why}`));
}

async function list(flags: ApiFlags): Promise<void> {
  const { gateways } = await openControlPlane(flags).get<{ readonly gateways: readonly Gateway[] }>(
    '/v1/system-state',
  );
  if (flags.json === true) {
    sayJson({ gateways });
    return;
  }
  const rows = gateways.map((gateway) => [
    gateway.gateway_id,
    gateway.protocol,
    gateway.status,
    gateway.host,
    gateway.version ?? '',
    gateway.paused_at === null ? gateway.status_reason : `paused: ${gateway.pause_reason ?? ''}`,
  ]);
  say(table(['ID', 'PROTOCOL', 'STATUS', 'ADDRESS', 'VERSION', 'WHY NOT'], rows));
}

/** A secret from a file or from standard input, which no list of processes shows. */
function secretFrom(file: string): string {
  const secret = textFrom(file, 'The credential').trim();
  if (secret === '')
    throw new UsageError(`There is no credential in ${file === '-' ? 'standard input' : file}.`);
  return secret;
}
