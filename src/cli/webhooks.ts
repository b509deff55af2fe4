import { Command, Option } from 'commander';
import { type ApiClient } from './api/api-client.js';
import { type ApiFlags, openControlPlane, withApiFlags } from './api/control-plane.js';
import { countFlag, durationFlag, listFlag } from './flags.js';
import { age, record, table } from './table.js';
import { plain, say, sayJson } from './terminal.js';

/** A webhook as the control plane shows it, without its secret. */
interface Webhook {
  readonly id: string;
  readonly url: string;
  readonly description: string;
  readonly event_types: readonly string[];
  readonly project_id: string | null;
  readonly enabled: boolean;
  readonly disabled_reason: string | null;
  readonly disabled_at: string | null;
  readonly failing_since: string | null;
  readonly pending: number;
  readonly position: string;
  readonly gap_at: string | null;
  readonly previous_secret_until: string | null;
  readonly created_at: string;
}

interface Delivery {
  readonly id: string;
  readonly event_type: string;
  readonly task_id: string | null;
  readonly status: string;
  readonly attempts: number;
  readonly next_attempt_at: string | null;
  readonly last_status_code: number | null;
  readonly last_error: string | null;
  readonly created_at: string;
}

interface CreateFlags extends ApiFlags {
  readonly event?: readonly string[];
  readonly project?: string;
  readonly description?: string;
  readonly after?: string;
}

/** `skynet webhook …`: who is told of events. */
export function webhookCommand(): Command {
  const webhook = new Command('webhook')
    .description('have events posted to addresses, and see what became of them')
    .showSuggestionAfterError();
  withApiFlags(webhook.command('create'))
    .description('make a webhook and print its secret, which is shown only now')
    .argument('<url>', 'where messages are posted to')
    .option(
      '--event <type>',
      'which events: a type, or the beginning of some with a star (repeatable)',
      listFlag,
    )
    .option('--project <id>', 'only events of tasks of this project')
    .option('--description <text>', 'what it is for')
    .option('--after <position>', 'begin after this position of the log instead of now')
    .addHelpText(
      'after',
      "\nExample:\n  skynet webhook create https://example.com/skynet --event succeeded --event 'failed*'",
    )
    .action(create);
  withApiFlags(webhook.command('list'))
    .description('list webhooks, and how they are')
    .addHelpText('after', '\nExample:\n  skynet webhook list')
    .action(list);
  one(webhook, 'show', 'show a webhook').action(show);
  one(webhook, 'disable', 'send a webhook nothing from now on').action(disable);
  one(webhook, 'enable', 'let a disabled webhook go on where it was')
    .option('--from-now', 'leave out what it has missed')
    .action(enable);
  one(webhook, 'rotate', 'give a webhook another secret and print it, which is shown only now')
    .option('--overlap <duration>', 'for how long the secret before signs as well (24h)', durationFlag)
    .action(rotate);
  one(webhook, 'test', 'send a message that tells of nothing').action(test);
  one(webhook, 'deliveries', 'list what became of deliveries, newest first')
    .addOption(new Option('--status <status>', 'only those').choices(['pending', 'delivered', 'failed']))
    .option('--limit <number>', 'rows at most', countFlag, 50)
    .action(deliveries);
  one(webhook, 'redeliver', 'attempt a delivery now, whatever became of it')
    .argument('<delivery>', 'the id of the delivery')
    .action(redeliver);
  one(webhook, 'delete', 'delete a webhook with what is known of its deliveries').action(remove);
  return webhook;
}

function one(webhook: Command, name: string, description: string): Command {
  const more = name === 'redeliver' ? ' msg_0195c0de_42' : '';
  return withApiFlags(webhook.command(name))
    .description(description)
    .argument('<id>', 'the id of the webhook')
    .addHelpText('after', `\nExample:\n  skynet webhook ${name} wh_0195c0de${more}`);
}

async function create(url: string, flags: CreateFlags): Promise<void> {
  const answer = await openApi(flags).send<{ webhook: Webhook; secret: string }>('POST', '/v1/webhooks', {
    url,
    event_types: flags.event ?? ['*'],
    project_id: flags.project,
    description: flags.description,
    after: flags.after,
  });
  saySecret(answer, `${answer.webhook.id} is the webhook`, flags);
}

async function list(flags: ApiFlags): Promise<void> {
  const answer = await openApi(flags).get<{ webhooks: readonly Webhook[] }>('/v1/webhooks');
  if (flags.json === true) {
    sayJson(answer);
    return;
  }
  const rows = answer.webhooks.map((webhook) => [
    webhook.id,
    stateOf(webhook),
    String(webhook.pending),
    webhook.event_types.join(','),
    webhook.project_id ?? '',
    age(webhook.created_at),
    webhook.url,
  ]);
  say(table(['ID', 'STATE', 'PENDING', 'EVENTS', 'PROJECT', 'AGE', 'ADDRESS'], rows));
}

async function show(id: string, flags: ApiFlags): Promise<void> {
  sayWebhook(await openApi(flags).get<{ webhook: Webhook }>(pathOf(id)), flags);
}

async function disable(id: string, flags: ApiFlags): Promise<void> {
  sayWebhook(await openApi(flags).send<{ webhook: Webhook }>('PATCH', pathOf(id), { enabled: false }), flags);
}

async function enable(id: string, flags: ApiFlags & { readonly fromNow?: true }): Promise<void> {
  const body = { enabled: true, after: flags.fromNow === true ? 'now' : undefined };
  sayWebhook(await openApi(flags).send<{ webhook: Webhook }>('PATCH', pathOf(id), body), flags);
}

async function rotate(id: string, flags: ApiFlags & { readonly overlap?: number }): Promise<void> {
  const body = flags.overlap === undefined ? {} : { overlap_seconds: Math.round(flags.overlap / 1_000) };
  const answer = await openApi(flags).send<{ webhook: Webhook; secret: string }>(
    'POST',
    `${pathOf(id)}/rotate-secret`,
    body,
  );
  const until = answer.webhook.previous_secret_until;
  const overlap = until === null ? '' : ` (the secret before signs as well until ${until.slice(0, 19)}Z)`;
  saySecret(answer, `${answer.webhook.id} has another secret${overlap}`, flags);
}

async function test(id: string, flags: ApiFlags): Promise<void> {
  sayDelivery(await openApi(flags).send<{ delivery: Delivery }>('POST', `${pathOf(id)}/test`), flags);
}

async function deliveries(
  id: string,
  flags: ApiFlags & { readonly status?: string; readonly limit: number },
): Promise<void> {
  const query = new URLSearchParams({
    limit: String(flags.limit),
    ...(flags.status === undefined ? {} : { status: flags.status }),
  });
  const answer = await openApi(flags).get<{ deliveries: readonly Delivery[] }>(
    `${pathOf(id)}/deliveries?${query.toString()}`,
  );
  if (flags.json === true) {
    sayJson(answer);
    return;
  }
  const rows = answer.deliveries.map((delivery) => [
    delivery.id,
    delivery.event_type,
    delivery.task_id ?? '',
    delivery.status,
    String(delivery.attempts),
    delivery.last_status_code?.toString() ?? '',
    delivery.next_attempt_at?.slice(0, 19) ?? '',
    age(delivery.created_at),
    delivery.last_error ?? '',
  ]);
  say(
    table(['ID', 'EVENT', 'TASK', 'STATUS', 'ATTEMPTS', 'ANSWER', 'NEXT ATTEMPT', 'AGE', 'LAST ERROR'], rows),
  );
}

async function redeliver(id: string, deliveryId: string, flags: ApiFlags): Promise<void> {
  const path = `${pathOf(id)}/deliveries/${encodeURIComponent(deliveryId)}/redeliver`;
  sayDelivery(await openApi(flags).send<{ delivery: Delivery }>('POST', path), flags);
}

async function remove(id: string, flags: ApiFlags): Promise<void> {
  const answer = await openApi(flags).send<{ ok: boolean }>('DELETE', pathOf(id));
  if (flags.json === true) sayJson(answer);
  else say(plain(`${id} is deleted.`));
}

function saySecret(
  answer: { readonly webhook: Webhook; readonly secret: string },
  what: string,
  flags: ApiFlags,
): void {
  if (flags.json === true) {
    sayJson(answer);
    return;
  }
  process.stderr.write(`[skynet] ${plain(what)}. Its secret is shown only now:\n`);
  say(answer.secret);
}

function sayWebhook(answer: { readonly webhook: Webhook }, flags: ApiFlags): void {
  if (flags.json === true) {
    sayJson(answer);
    return;
  }
  const { webhook } = answer;
  say(
    record({
      id: webhook.id,
      address: webhook.url,
      description: webhook.description,
      events: webhook.event_types.join(', '),
      project: webhook.project_id ?? undefined,
      state: stateOf(webhook),
      'disabled at': webhook.disabled_at ?? undefined,
      'failing since': webhook.failing_since ?? undefined,
      pending: webhook.pending,
      position: webhook.position,
      'events dropped unread': webhook.gap_at ?? undefined,
      'two secrets until': webhook.previous_secret_until ?? undefined,
      created: webhook.created_at,
    }),
  );
}

function sayDelivery(answer: { readonly delivery: Delivery }, flags: ApiFlags): void {
  if (flags.json === true) sayJson(answer);
  else say(plain(`${answer.delivery.id} (${answer.delivery.event_type}) is ${answer.delivery.status}.`));
}

function stateOf({ enabled, disabled_reason, failing_since }: Webhook): string {
  if (!enabled) return `disabled: ${disabled_reason ?? ''}`;
  return failing_since === null ? 'enabled' : 'failing';
}

const pathOf = (id: string) => `/v1/webhooks/${encodeURIComponent(id)}`;

const openApi = (flags: ApiFlags): ApiClient => openControlPlane(flags, { orHostToken: true });
