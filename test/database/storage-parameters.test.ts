import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';

let api: TestControlPlane;
beforeAll(async () => (api = await startTestControlPlane()));
afterAll(() => api.close());

/** Tables that hardly ever change: a row a schedule, a time of one, a migration, a gateway, or one row at all. */
const QUIET = [
  'server_secrets',
  'events_floor',
  'gateway_migrations',
  'migrations',
  'openclaw_access',
  'openclaw_suspensions',
  'pauses',
  'schedule_occurrences',
  'schedules',
];

const VACUUM = 'autovacuum_vacuum_scale_factor';
const INSERTS = 'autovacuum_vacuum_insert_scale_factor';
const ANALYZE = 'autovacuum_analyze_scale_factor';
const KEEPS_ITS_END = 'vacuum_truncate';

/** What each table must say for itself, by what happens to it. */
const WANTED: Readonly<Record<string, readonly string[]>> = {
  tasks: [VACUUM, ANALYZE, KEEPS_ITS_END, 'fillfactor'],
  task_dependencies: [VACUUM, INSERTS, ANALYZE],
  untold_ends: [VACUUM, KEEPS_ITS_END],
  file_conflicts: [VACUUM, INSERTS, ANALYZE],
  concurrency_holds: [VACUUM, ANALYZE, KEEPS_ITS_END],
  file_locks: [VACUUM, ANALYZE, KEEPS_ITS_END],
  file_waits: [VACUUM, ANALYZE, KEEPS_ITS_END],
  job_locks: [VACUUM, 'fillfactor'],
  hosts: [VACUUM, 'fillfactor'],
  host_slots: [VACUUM, KEEPS_ITS_END, 'fillfactor'],
  services: [VACUUM, 'fillfactor'],
  service_generations: [VACUUM],
  service_assignments: [VACUUM, ANALYZE, 'fillfactor'],
  replicas: [VACUUM, 'fillfactor'],
  peers: [VACUUM, 'fillfactor'],
  imported_records: [VACUUM, ANALYZE, 'fillfactor'],
  outputs: [VACUUM, KEEPS_ITS_END, 'fillfactor'],
  output_entries: [VACUUM, INSERTS, ANALYZE, KEEPS_ITS_END],
  workers: [VACUUM, KEEPS_ITS_END, 'fillfactor'],
  gateways: [VACUUM, KEEPS_ITS_END, 'fillfactor'],
  api_keys: [VACUUM, 'fillfactor'],
  client_rates: [VACUUM, 'fillfactor'],
  public_keys: [VACUUM, 'fillfactor'],
  public_rates: [VACUUM, 'fillfactor'],
  public_months: [VACUUM, 'fillfactor'],
  public_jobs: [VACUUM, INSERTS, ANALYZE],
  public_payments: [VACUUM, 'fillfactor'],
  openclaw_turns: [VACUUM, KEEPS_ITS_END],
  approvals: [VACUUM, INSERTS],
  audit_entries: [VACUUM, INSERTS, ANALYZE],
  webhooks: [VACUUM, 'fillfactor'],
  webhook_deliveries: [VACUUM, INSERTS, ANALYZE, KEEPS_ITS_END, 'fillfactor'],
  idempotency_keys: [VACUUM, ANALYZE, KEEPS_ITS_END, 'fillfactor'],
};
const PARTITION = [VACUUM, INSERTS, ANALYZE];

async function optionsByTable(): Promise<Map<string, Map<string, string>>> {
  const rows = await api.query<{ table: string; options: string[] }>(
    `select c.relname::text as table, coalesce(c.reloptions, '{}') as options
     from pg_class c where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace`,
  );
  return new Map(
    rows.map(({ table, options }) => [
      table,
      new Map(options.map((option) => option.split('=') as [string, string])),
    ]),
  );
}

describe('the storage parameters', () => {
  it('are there for every table but those that hardly change, and stricter than the defaults', async () => {
    for (const [table, options] of await optionsByTable()) {
      if (QUIET.includes(table)) continue;
      const wanted = table.startsWith('events_') ? PARTITION : WANTED[table];
      const missing = (wanted ?? ['a place in this list']).filter((name) => !options.has(name));
      expect({ table, missing }).toEqual({ table, missing: [] });
      for (const name of [VACUUM, INSERTS, ANALYZE]) {
        expect(Number(options.get(name) ?? 0)).toBeLessThanOrEqual(0.1);
      }
      expect(options.get(KEEPS_ITS_END) ?? 'off').toBe('off');
    }
  });

  it('are there for a partition that has just been made, and for the one below all', async () => {
    expect(await api.query(`select add_events_partition('2031-05-01Z', '2031-05-02Z') as made`)).toEqual([
      { made: true },
    ]);
    const options = await optionsByTable();
    const fresh = options.get('events_20310501');
    expect([...(fresh?.keys() ?? [])]).toEqual(expect.arrayContaining(PARTITION));
    expect(options.get('events_default')).toEqual(fresh);
  });
});
