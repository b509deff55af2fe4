import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { PgBouncer } from '../chaos/world/pgbouncer.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { Program } from '../support/program.js';
import { ended } from './skyclaw/fixture.js';

interface Finding {
  readonly check: string;
  readonly level: string;
  readonly finding: string;
  readonly meaning?: string;
  readonly remedy?: string;
}
interface Report {
  readonly code: number | string;
  readonly level: string;
  readonly findings: readonly Finding[];
  readonly settings: readonly { name: string; origin: string; value?: string }[];
}

const LONG = '0123456789abcdef0123456789abcdef';
const SOUND = { SKYNET_API_KEY: LONG, SKYCLAW_TOKEN: LONG };
const SHIFTED_CLOCK = `--import ${resolve('test/chaos/world/shifted-clock.mjs')}`;

let api: TestControlPlane;
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  api = await startTestControlPlane({ databaseUrl: database.url, env: { SKYNET_API_KEY: LONG } });
  await eventually('the replica has given a sign of life', async () => {
    const rows = await api.query('select from replicas');
    return rows.length > 0 ? true : undefined;
  });
});
afterAll(async () => {
  await api.close();
  await database.drop();
});

async function doctor(args: readonly string[], env: Record<string, string> = {}): Promise<Report> {
  const program = Program.start('skynet', ['doctor', '--json', ...args], {
    DATABASE_URL: database.url,
    ...SOUND,
    ...env,
  });
  const { code, stdout, stderr } = await ended(program);
  expect(stderr).toBe('');
  return { code, ...(JSON.parse(stdout) as Omit<Report, 'code'>) };
}

const of = (report: Report, check: string) => report.findings.filter((finding) => finding.check === check);
const bad = (report: Report) => report.findings.filter(({ level }) => level !== 'ok');

describe('skynet doctor', () => {
  it('finds nothing wrong with an installation that is well, and says what it has looked at', async () => {
    const report = await doctor(['--strict', '--url', api.url]);
    expect(bad(report)).toEqual([]);
    expect(report.code).toBe(0);
    const checks = new Set(report.findings.map(({ check }) => check));
    for (const check of [
      'settings',
      'secrets',
      'database',
      'pooler',
      'notify',
      'migrations',
      'clock',
      'replicas',
    ])
      expect(checks).toContain(check);
    for (const check of [
      'gateways',
      'dead rows',
      'horizon',
      'partitions',
      'retention',
      `replica at ${api.url}`,
    ])
      expect(checks).toContain(check);
    expect(of(report, `replica at ${api.url}`).map(({ finding }) => finding)).toEqual([
      'It is ready.',
      expect.stringMatching(/^All \d+ loops keep their time\.$/),
    ]);
    const setting = (name: string) => report.settings.find((entry) => entry.name === name);
    expect(setting('SKYNET_API_KEY')).toEqual({
      name: 'SKYNET_API_KEY',
      origin: 'environment',
      value: '(secret)',
    });
    expect(setting('SKYNET_PORT')).toEqual({ name: 'SKYNET_PORT', origin: 'default', value: '8000' });
    expect(JSON.stringify(report)).not.toContain(LONG);
    expect(JSON.stringify(report)).not.toContain(new URL(database.url).password);
  });

  it('prints the same for a person', async () => {
    const program = Program.start('skynet', ['doctor'], {
      DATABASE_URL: database.url,
      ...SOUND,
      SKYNET_HOTS: 'x',
    });
    const { code, stdout } = await ended(program);
    expect(code).toBe(0);
    expect(stdout).toContain(
      'WARNING  settings: SKYNET_HOTS (environment) is not a setting; SKYNET_HOST was probably meant.',
    );
    expect(stdout).toContain('→ Call it SKYNET_HOST, or remove it.');
    expect(stdout).toMatch(/\d+ checks: 0 errors, 1 warnings\.\n$/);
  });

  it('tells of typing errors with the place that they are in, and of secrets that anybody would try', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'skynet-doctor-test-'));
    writeFileSync(
      join(folder, '.env'),
      'SKYNET_RETENTION_DAY=3\nSKYNET_PORT=81000\nSKYNET_GATEWAY_TOKEN=changeme\n',
    );
    try {
      const env = { DATABASE_URL: database.url, SKYNET_HOST: '0.0.0.0' };
      const program = Program.run(resolve('bin/skynet'), ['doctor', '--json'], env, { cwd: folder });
      const { code, stdout } = await ended(program);
      const report = { code, ...(JSON.parse(stdout) as Omit<Report, 'code'>) };
      expect(code).toBe(2);
      const said = bad(report).map(({ level, finding }) => `${level}: ${finding}`);
      expect(said).toEqual([
        'warning: SKYNET_RETENTION_DAY (.env file) is not a setting; SKYNET_RETENTION_DAYS was probably meant.',
        'warning: SKYNET_PORT should be a whole number from 0 to 65535; its default 8000 is used.',
        'error: SKYNET_GATEWAY_TOKEN is one that anybody would try first.',
        'error: SKYNET_API_KEY is not set.',
        'warning: SKYCLAW_TOKEN is not set.',
      ]);
      expect(report.settings.find(({ name }) => name === 'SKYNET_PORT')).toMatchObject({
        origin: '.env file',
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('tells of a database that is not there', async () => {
    const report = await doctor([], {
      DATABASE_URL: 'postgres://skynet:secret-of-mine-0001@127.0.0.1:1/skynet',
    });
    expect(report.code).toBe(2);
    expect(of(report, 'database')).toMatchObject([
      { level: 'error', finding: 'It cannot be reached (ECONNREFUSED).' },
    ]);
    expect(JSON.stringify(report)).not.toContain('secret-of-mine');
  });

  it('tells of migrations that are pending, unknown or changed', async () => {
    const other = await createTestDatabase();
    const client = new pg.Client({ connectionString: other.url });
    await client.connect();
    try {
      await client.query(`delete from migrations where name like 'audit\\_\\_%'`);
      await client.query(`update migrations set checksum = 'other' where name like 'webhooks\\_\\_%'`);
      await client.query(`insert into migrations (timestamp, name) values (9, 'future__thing9999999999999')`);
      const report = await doctor([], { DATABASE_URL: other.url });
      expect(report.code).toBe(2);
      expect(of(report, 'migrations').map(({ level, finding }) => [level, finding])).toEqual([
        ['error', '1 pending: audit__foundation1763800310000.'],
        ['warning', '1 unknown to this build: future__thing9999999999999.'],
        [
          'error',
          expect.stringMatching(/^1 applied with another text .*webhooks__foundation1763800300000\.$/),
        ],
      ]);
    } finally {
      await client.end();
      await other.drop();
    }
  });

  it('tells of clocks that are off: its own, and that of a replica', async () => {
    const report = await doctor([], { NODE_OPTIONS: SHIFTED_CLOCK, CHAOS_CLOCK_OFFSET_MS: '-600000' });
    expect(report.code).toBe(2);
    expect(of(report, 'clock')).toMatchObject([
      {
        level: 'error',
        finding: expect.stringMatching(/^this machine is (600\.\d|599\.9) s behind the database/),
      },
      { level: 'ok', finding: expect.stringMatching(/^replica .* is 0\.\d+ s /) },
    ]);
    const replica = Program.start('skynet', ['serve'], {
      ...{ DATABASE_URL: database.url, ...SOUND, SKYNET_PORT: '0', SKYNET_HOST: '127.0.0.1' },
      ...{ NODE_OPTIONS: SHIFTED_CLOCK, CHAOS_CLOCK_OFFSET_MS: '5000', SKYCLAW_COORDINATOR_NODE_ID: 'fast' },
    });
    try {
      await eventually('it has given a sign of life', async () => {
        const rows = await api.query(`select from replicas where node_id = 'fast'`);
        return rows.length > 0 ? true : undefined;
      });
      const clocks = of(await doctor([]), 'clock');
      expect(clocks.filter(({ level }) => level === 'warning')).toMatchObject([
        {
          finding: expect.stringMatching(/^replica \w+ \(fast\) is (5\.\d|4\.9) s ahead of the database\.$/),
        },
      ]);
    } finally {
      await replica.kill('SIGTERM');
    }
  });

  it('tells of an old transaction, of a gateway that is away and of partitions that are missing', async () => {
    const client = new pg.Client({ connectionString: database.url, application_name: 'forgetful' });
    await client.connect();
    await api.query(
      `insert into gateways (gateway_id, host, status, declared_status, status_reason)
       values ('g1', 'http://10.0.0.1:1', 'offline', 'online', 'connection refused')`,
    );
    try {
      await client.query('begin; select txid_current()');
      const report = await doctor(['--strict', '--old-transaction', '1ms']);
      expect(report.code).toBe(1);
      expect(bad(report).map(({ check, finding }) => [check, finding])).toEqual([
        [
          'gateways',
          expect.stringMatching(/^g1 at http:\/\/10\.0\.0\.1:1 .* is offline: connection refused\.$/),
        ],
        [
          'horizon',
          expect.stringMatching(
            /^Process \d+ \(\w+ forgetful, idle in transaction\) has had a transaction open/,
          ),
        ],
      ]);
      await client.query('rollback');
      const other = await createTestDatabase();
      const stripped = new pg.Client({ connectionString: other.url });
      await stripped.connect();
      const { rows } = await stripped.query<{ name: string }>(
        `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'events'::regclass`,
      );
      for (const { name } of rows) if (name !== 'events_default') await stripped.query(`drop table ${name}`);
      await stripped.end();
      const without = await doctor([], { DATABASE_URL: other.url });
      await other.drop();
      expect(of(without, 'partitions')).toMatchObject([
        { level: 'error', finding: expect.stringContaining('None is there') },
      ]);
    } finally {
      await client.end();
      await api.query(`delete from gateways where gateway_id = 'g1'`);
    }
  });

  it('finds out what a PgBouncer in transaction mode keeps', async () => {
    const program = process.env['SKYNET_TEST_PGBOUNCER'] ?? 'pgbouncer';
    const missing = PgBouncer.missing(program);
    // Older ones have no such setting, and newer ones keep nothing with 0.
    const canKeep = missing === null;
    if (missing?.startsWith('there is no') === true) {
      process.stderr.write(`Not tried behind PgBouncer: ${missing}.\n`);
      return;
    }
    const url = new URL(database.url);
    for (const prepared of canKeep ? [0, 500] : [null]) {
      const bouncer = await PgBouncer.start(program, url, Number(url.port), { prepared });
      try {
        const behind = new URL(url);
        behind.port = String(bouncer.port);
        const report = await doctor([], { DATABASE_URL: behind.href });
        const keeps = prepared === 500;
        expect(of(report, 'pooler')).toMatchObject([
          { level: 'ok', finding: expect.stringMatching(/^A pooler in transaction mode/) },
        ]);
        expect(of(report, 'prepared statements')).toMatchObject([
          keeps
            ? { level: 'ok' }
            : {
                level: 'error',
                finding: expect.stringMatching(/^The pooler does not keep them \((26000|42P05)/),
              },
        ]);
        expect(of(report, 'notify')).toMatchObject([{ level: 'ok' }]);
        expect(report.code).toBe(keeps ? 0 : 2);
      } finally {
        await bouncer.close();
      }
    }
  });
});
