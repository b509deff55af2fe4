import { Command, InvalidArgumentError } from 'commander';
import { type ApiClient } from './api/api-client.js';
import { type ApiFlags, openControlPlane, withApiFlags } from './api/control-plane.js';
import { countFlag, listFlag } from './flags.js';
import { expiryFlag, stateOfKey } from './key-terms.js';
import { age, table } from './table.js';
import { say, sayJson } from './terminal.js';

/** A key of the public API, without its secret. */
interface PublicKey {
  readonly id: string;
  readonly label: string;
  readonly capabilities?: readonly string[];
  readonly shell?: boolean;
  readonly ratePerMinute?: number | null;
  readonly monthlyJobs?: number | null;
  readonly createdAt?: string;
  readonly expiresAt?: string | null;
  readonly revokedAt?: string | null;
}

interface CreateFlags extends ApiFlags {
  readonly capability?: readonly string[];
  readonly shell?: true;
  readonly expires?: string;
  readonly ratePerMinute?: number;
  readonly monthlyJobs?: number;
  readonly price?: number;
}

/** `skynet public-key create|list|revoke`: who may use the public API. */
export function publicKeyCommand(): Command {
  const key = new Command('public-key')
    .description('create, list and revoke keys of the public API')
    .showSuggestionAfterError();
  withApiFlags(key.command('create'))
    .description('create a key and print its secret, which is shown only now')
    .argument('<label>', 'whose key it is')
    .option('--capability <name>', 'what jobs of this key may require (repeatable)', listFlag)
    .option('--shell', 'allow shell jobs')
    .option('--expires <when>', 'a duration from now (30d), or a time (2027-01-31T00:00:00Z)', expiryFlag)
    .option('--rate-per-minute <number>', 'requests of one minute at most', countFlag)
    .option('--monthly-jobs <number>', 'jobs of one month at most', countFlag)
    .option('--price <number>', 'price of a job', priceFlag)
    .addHelpText(
      'after',
      '\nExample:\n  skynet public-key create website --capability openclaw --expires 90d',
    )
    .action(create);
  withApiFlags(key.command('list'))
    .description('list keys, without their secrets')
    .addHelpText('after', '\nExample:\n  skynet public-key list')
    .action(list);
  withApiFlags(key.command('revoke'))
    .description('refuse a key from now on')
    .argument('<id>')
    .addHelpText('after', '\nExample:\n  skynet public-key revoke key_3f2a')
    .action(revoke);
  return key;
}

async function create(label: string, flags: CreateFlags): Promise<void> {
  const answer = await openApi(flags).send<{ key: PublicKey; secret: string }>('POST', '/v1/public-keys', {
    label,
    capabilities: flags.capability ?? [],
    shell: flags.shell ?? false,
    expiresAt: flags.expires,
    ratePerMinute: flags.ratePerMinute,
    monthlyJobs: flags.monthlyJobs,
    price: flags.price,
  });
  if (flags.json === true) {
    sayJson(answer);
    return;
  }
  process.stderr.write(
    `[skynet] ${answer.key.id} is the key of ${answer.key.label}. Its secret is shown only now:\n`,
  );
  say(answer.secret);
}

async function list(flags: ApiFlags): Promise<void> {
  const answer = await openApi(flags).get<{ keys: readonly PublicKey[] }>('/v1/public-keys');
  if (flags.json === true) {
    sayJson(answer);
    return;
  }
  const rows = answer.keys.map((key) => [
    key.id,
    key.label,
    stateOfKey(key),
    (key.capabilities ?? []).join(','),
    key.shell === true ? 'yes' : 'no',
    key.ratePerMinute?.toString() ?? '',
    key.monthlyJobs?.toString() ?? '',
    age(key.createdAt ?? ''),
  ]);
  say(table(['ID', 'LABEL', 'STATE', 'CAPABILITIES', 'SHELL', 'PER MINUTE', 'PER MONTH', 'AGE'], rows));
}

async function revoke(id: string, flags: ApiFlags): Promise<void> {
  const path = `/v1/public-keys/${encodeURIComponent(id)}/revoke`;
  const answer = await openApi(flags).send<{ key: PublicKey }>('POST', path);
  if (flags.json === true) sayJson(answer);
  else say(`${answer.key.id} (${answer.key.label}) is revoked.`);
}

const openApi = (flags: ApiFlags): ApiClient => openControlPlane(flags, { orHostToken: true });

function priceFlag(value: string): number {
  if (!/^\d{1,9}(?:\.\d{1,6})?$/.test(value))
    throw new InvalidArgumentError('It must be a number, 0 or more.');
  return Number(value);
}
