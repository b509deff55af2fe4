import { Command } from 'commander';
import { type ApiClient } from './api/api-client.js';
import { type ApiFlags, openControlPlane, withApiFlags } from './api/control-plane.js';
import { durationFlag, listFlag } from './flags.js';
import { expiryFlag, stateOfKey } from './key-terms.js';
import { age, table } from './table.js';
import { say, sayJson } from './terminal.js';

/** A key of the API, without its secret. */
interface ApiKey {
  readonly id: string;
  readonly label: string;
  readonly scopes?: readonly string[];
  readonly project_id?: string | null;
  readonly created_at?: string;
  readonly last_used_at?: string | null;
  readonly expires_at?: string | null;
  readonly revoked_at?: string | null;
}

interface NewKey {
  readonly key: ApiKey;
  readonly secret: string | null;
}

interface CreateFlags extends ApiFlags {
  readonly scope?: readonly string[];
  readonly project?: string;
  readonly expires?: string;
}

interface RotateFlags extends ApiFlags {
  readonly overlap?: number;
}

interface ListFlags extends ApiFlags {
  readonly project?: string;
}

/** `skynet key create|list|rotate|revoke`: who may use the API, and for what. */
export function keyCommand(): Command {
  const key = new Command('key')
    .description('create, list, rotate and revoke keys of the API')
    .showSuggestionAfterError();
  withApiFlags(key.command('create'))
    .description('create a key and print its secret, which is shown only now')
    .argument('<label>', 'whose key it is')
    .requiredOption(
      '--scope <scope>',
      'what it may do (repeatable): tasks:read, tasks:write, claims, files:admin, gateways:write, services:deploy, jobs:submit, admin',
      listFlag,
    )
    .option('--project <id>', 'the only project that it sees and touches')
    .option('--expires <when>', 'a duration from now (30d), or a time (2027-01-31T00:00:00Z)', expiryFlag)
    .addHelpText(
      'after',
      '\nExample:\n  skynet key create ci --scope tasks:read --scope tasks:write --expires 90d',
    )
    .action(create);
  withApiFlags(key.command('list'))
    .description('list keys, without their secrets')
    .option('--project <id>', 'only keys of this project')
    .addHelpText('after', '\nExample:\n  skynet key list')
    .action(list);
  withApiFlags(key.command('rotate'))
    .description('create a key in place of another, and print its secret, which is shown only now')
    .argument('<id>')
    .option(
      '--overlap <duration>',
      'how long the key before it goes on working (1d; 0s: not at all)',
      durationFlag,
    )
    .addHelpText('after', '\nExample:\n  skynet key rotate key_3f2a --overlap 2h')
    .action(rotate);
  withApiFlags(key.command('revoke'))
    .description('refuse a key from now on')
    .argument('<id>')
    .addHelpText('after', '\nExample:\n  skynet key revoke key_3f2a')
    .action(revoke);
  return key;
}

async function create(label: string, flags: CreateFlags): Promise<void> {
  const { scope, project, expires } = flags;
  tell(
    await openApi(flags).send<NewKey>('POST', '/v1/keys', {
      ...{ label, scopes: scope, project_id: project, expires_at: expires },
    }),
    flags,
  );
}

async function rotate(id: string, flags: RotateFlags): Promise<void> {
  const { overlap } = flags;
  const body = overlap === undefined ? {} : { overlap_seconds: Math.round(overlap / 1_000) };
  tell(await openApi(flags).send<NewKey>('POST', `/v1/keys/${encodeURIComponent(id)}/rotate`, body), flags);
}

function tell(answer: NewKey, flags: ApiFlags): void {
  if (flags.json === true) {
    sayJson(answer);
    return;
  }
  process.stderr.write(
    `[skynet] ${answer.key.id} is the key of ${answer.key.label}. Its secret is shown only now:\n`,
  );
  say(answer.secret ?? '');
}

async function list(flags: ListFlags): Promise<void> {
  const query = flags.project === undefined ? '' : `&project_id=${encodeURIComponent(flags.project)}`;
  const api = openApi(flags);
  const keys: ApiKey[] = [];
  let cursor = '';
  do {
    const page = await api.get<{ keys: readonly ApiKey[]; next_cursor?: string }>(
      `/v1/keys?limit=1000${query}${cursor}`,
    );
    keys.push(...page.keys);
    cursor = page.next_cursor === undefined ? '' : `&cursor=${encodeURIComponent(page.next_cursor)}`;
  } while (cursor !== '');
  if (flags.json === true) {
    sayJson({ keys });
    return;
  }
  const rows = keys.map((key) => [
    ...[key.id, key.label, stateOfKey({ expiresAt: key.expires_at, revokedAt: key.revoked_at })],
    ...[(key.scopes ?? []).join(','), key.project_id ?? 'all', lastUse(key), age(key.created_at ?? '')],
  ]);
  say(table(['ID', 'LABEL', 'STATE', 'SCOPES', 'PROJECT', 'LAST USED', 'AGE'], rows));
}

const lastUse = ({ last_used_at: at }: ApiKey): string =>
  typeof at === 'string' ? `${age(at)} ago` : 'never';

async function revoke(id: string, flags: ApiFlags): Promise<void> {
  const answer = await openApi(flags).send<{ key: ApiKey }>('DELETE', `/v1/keys/${encodeURIComponent(id)}`);
  if (flags.json === true) sayJson(answer);
  else say(`${answer.key.id} (${answer.key.label}) is revoked.`);
}

const openApi = (flags: ApiFlags): ApiClient => openControlPlane(flags, { orHostToken: true });
