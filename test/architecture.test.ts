import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';

/** Each table has one module that writes it; docs/architecture.md says the same. */
const OWNERS: Readonly<Record<string, string>> = {
  tasks: 'control-plane/ledger',
  task_dependencies: 'control-plane/ledger',
  untold_ends: 'control-plane/ledger',
  file_locks: 'control-plane/ledger',
  file_waits: 'control-plane/ledger',
  concurrency_holds: 'control-plane/ledger',
  file_conflicts: 'control-plane/ledger',
  job_locks: 'control-plane/ledger',
  pauses: 'control-plane/ledger',
  host_slots: 'control-plane/ledger',
  events: 'control-plane/events',
  events_floor: 'control-plane/events',
  gateways: 'control-plane/registry',
  workers: 'control-plane/registry',
  hosts: 'control-plane/registry',
  openclaw_access: 'control-plane/gateway-client',
  openclaw_turns: 'control-plane/gateway-client',
  openclaw_suspensions: 'control-plane/gateway-client',
  approvals: 'control-plane/approvals',
  replicas: 'control-plane/cluster',
  peers: 'control-plane/cluster',
  imported_records: 'control-plane/cluster',
  idempotency_keys: 'control-plane/idempotency',
  services: 'control-plane/services',
  service_generations: 'control-plane/services',
  service_assignments: 'control-plane/services',
  outputs: 'control-plane/logs',
  output_entries: 'control-plane/logs',
  schedules: 'control-plane/schedules',
  schedule_occurrences: 'control-plane/schedules',
  server_secrets: 'control-plane/auth',
  api_keys: 'control-plane/api-keys',
  client_rates: 'control-plane/rate-limits',
  public_keys: 'control-plane/public-api',
  public_rates: 'control-plane/public-api',
  public_months: 'control-plane/public-api',
  public_jobs: 'control-plane/public-api',
  public_payments: 'control-plane/public-api',
  audit_entries: 'control-plane/audit',
  webhooks: 'control-plane/webhooks',
  webhook_deliveries: 'control-plane/webhooks',
  'gateway.executions': 'gateway/actions',
  'gateway.task_leases': 'gateway/actions',
  'gateway.emergency_stop': 'gateway/actions',
  'gateway.provider_usage': 'gateway/providers',
  'gateway.provider_rates': 'gateway/providers',
  'gateway.provider_health': 'gateway/providers',
  'gateway.provider_usage_snapshots': 'gateway/providers',
  'gateway.sentinel_components': 'gateway/sentinel',
  'gateway.sentinel_failures': 'gateway/sentinel',
  'gateway.sentinel_alerts': 'gateway/sentinel',
  'gateway.health_checks': 'gateway/sentinel',
  'gateway.heartbeats': 'gateway/heartbeats',
  'gateway.ssh_host_keys': 'gateway/ssh',
  'gateway.profiles': 'gateway/profiles',
  'gateway.profile_facts': 'gateway/profiles',
  'gateway.projects': 'gateway/projects',
  'gateway.project_ideas': 'gateway/projects',
  'gateway.project_tasks': 'gateway/projects',
  'gateway.project_events': 'gateway/projects',
};

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map((file) => ({ file, text: readFileSync(join('src', file), 'utf8') }));

const WRITES = /\b(?:insert\s+into|update|delete\s+from)\s+([a-z_]+(?:\.[a-z_]+)?)\b(?=[\s(])/g;

it('every statement that writes a table stands in the module that owns it', () => {
  const written = new Set<string>();
  const strangers = sources.flatMap(({ file, text }) =>
    [...text.matchAll(WRITES)]
      .map((match) => match[1] ?? '')
      .filter((table) => table in OWNERS)
      .filter((table) => {
        written.add(table);
        return !file.startsWith(`${OWNERS[table] ?? ''}/`);
      })
      .map((table) => `${file} writes ${table}`),
  );
  expect(strangers).toEqual([]);
  expect([...written].sort()).toEqual(Object.keys(OWNERS).sort());
});

it('every table of the migrations has an owner', () => {
  const migrations = ['control-plane', 'gateway'].flatMap((program) =>
    readdirSync(`migrations/${program}`).map((file) => readFileSync(`migrations/${program}/${file}`, 'utf8')),
  );
  const tables = migrations.flatMap((sql) =>
    [...sql.matchAll(/create (?:unlogged )?table ([a-z_.]+)\b(?! partition of)/g)].map((match) => match[1]),
  );
  // A table may be made anew by a later migration.
  expect([...new Set(tables)].sort()).toEqual(Object.keys(OWNERS).sort());
});

it('statements stand in *.queries.ts, or where they say why not', () => {
  const elsewhere = sources
    .filter(
      ({ file, text }) =>
        /\bstatement\(/.test(text) && !file.endsWith('.queries.ts') && !file.startsWith('platform/'),
    )
    .map(({ file }) => file);
  expect(elsewhere.sort()).toEqual([
    'control-plane/health/readiness.ts',
    'gateway/http/gateway.controller.ts',
  ]);
});
