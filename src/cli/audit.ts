import { Command, InvalidArgumentError } from 'commander';
import { type ApiFlags, openControlPlane, withApiFlags } from './api/control-plane.js';
import { countFlag, durationFlag } from './flags.js';
import { table } from './table.js';
import { say, sayJson, write } from './terminal.js';

/** An entry of the audit trail as the control plane shows it. */
interface Entry {
  readonly at: string;
  readonly action: string;
  readonly subject: string;
  readonly actor: string;
  readonly client_ip: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

interface FilterFlags extends ApiFlags {
  readonly actor?: string;
  readonly action?: string;
  readonly subject?: string;
  readonly since?: string;
  readonly until?: string;
}

/** `skynet audit list|export`: who did which administrative act. */
export function auditCommand(): Command {
  const audit = new Command('audit')
    .description('read who did which administrative act, when and from where')
    .showSuggestionAfterError();
  withFilter(withApiFlags(audit.command('list')))
    .description('list acts, newest first')
    .option('--limit <number>', 'rows at most', countFlag, 50)
    .addHelpText('after', "\nExample:\n  skynet audit list --action 'gateway.*' --since 7d")
    .action(list);
  withFilter(audit.command('export'))
    .option('--url <address>', 'address of the API (SKYNET_ORCHESTRATOR_URL)')
    .description('print all acts, oldest first, a JSON object a line')
    .addHelpText('after', '\nExample:\n  skynet audit export --since 2026-01-01 > audit.ndjson')
    .action(exportAll);
  return audit;
}

function withFilter(command: Command): Command {
  return command
    .option('--actor <name>', 'only acts of this caller, or of this kind of callers')
    .option('--action <name>', 'only this action, or those that begin as it says before a star')
    .option('--subject <id>', 'only acts on this subject')
    .option('--since <when>', 'only acts since then: a duration before now (7d), or a time', pastFlag)
    .option('--until <when>', 'only acts before then', pastFlag);
}

async function list(flags: FilterFlags & { readonly limit: number }): Promise<void> {
  const query = queryOf(flags, { limit: String(flags.limit) });
  const answer = await openApi(flags).get<{ readonly entries: readonly Entry[] }>(`/v1/audit?${query}`);
  if (flags.json === true) {
    sayJson(answer);
    return;
  }
  const rows = answer.entries.map((entry) => [
    `${entry.at.slice(0, 19)}Z`,
    entry.actor,
    entry.client_ip,
    entry.action,
    entry.subject,
    Object.keys(entry.detail).length === 0 ? '' : JSON.stringify(entry.detail),
  ]);
  say(table(['AT', 'ACTOR', 'FROM', 'ACTION', 'SUBJECT', 'DETAIL'], rows));
}

/** Prints what comes as it comes, no faster than it is read. */
async function exportAll(flags: FilterFlags): Promise<void> {
  const path = `/v1/audit?${queryOf(flags, { format: 'ndjson' })}`;
  const { body } = await openApi(flags).open(path, {}, new AbortController().signal);
  if (body === null) return;
  const decoder = new TextDecoder();
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>)
    await write(process.stdout, decoder.decode(chunk, { stream: true }));
}

function queryOf(
  { actor, action, subject, since, until }: FilterFlags,
  more: Readonly<Record<string, string>>,
): string {
  const wanted = { actor, action, subject, since, until };
  const given = Object.entries(wanted).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return new URLSearchParams([...given, ...Object.entries(more)]).toString();
}

const openApi = (flags: ApiFlags) => openControlPlane(flags, { orHostToken: true });

/** A time in UTC, from a duration before now or an instant. */
function pastFlag(value: string): string {
  if (/^\d+(?:\.\d+)?[a-z]+$/.test(value)) return new Date(Date.now() - durationFlag(value)).toISOString();
  const instant = Date.parse(value);
  if (!/^\d{4}-\d{2}-\d{2}/.test(value) || Number.isNaN(instant)) {
    throw new InvalidArgumentError(
      'It must be a duration such as 7d, or a time such as 2026-01-31T00:00:00Z.',
    );
  }
  return new Date(instant).toISOString();
}
