import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { type GatewayConfig, type RunningGateway } from '../../src/gateway/index.js';
import { heartbeatsConfig } from '../../src/gateway/heartbeats/index.js';
import { eventually } from '../support/eventually.js';
import { type Json } from '../support/json.js';
import { Program } from '../support/program.js';
import { GatewayFixture } from './fixture.js';

const JOBS = ['health_check', 'memory_sync', 'provider_usage_snapshot', 'daily_backup'];

let fixture: GatewayFixture;
let gateways: RunningGateway[];
beforeAll(async () => {
  fixture = await GatewayFixture.create();
  gateways = [await start(), await start()];
});
afterAll(() => fixture.close());
beforeEach(async () => {
  for (const folder of ['backups', 'memory']) {
    mkdirSync(fixture.path(folder), { recursive: true });
    // Gateways that look after the folder make it anew: it is emptied, and stays.
    for (const name of readdirSync(fixture.path(folder))) {
      rmSync(join(fixture.path(folder), name), { recursive: true, force: true });
    }
  }
  await fixture.sql.query('update gateway.heartbeats set runs = 0');
});

/** Looks all the time, and does nothing by itself before the test says that it is due. */
const config: Partial<GatewayConfig> = {
  heartbeats: { ...heartbeatsConfig(), lookEveryMs: 50, firstAfterMs: 3_600_000 },
};
const folders = () => ({
  SKYNET_BACKUP_DIR: fixture.path('backups'),
  SKYNET_MEMORY_DIR: fixture.path('memory'),
  SKYNET_BACKUP_KEEP: '2',
});
const start = (env: Record<string, string> = folders()) => fixture.start({ env, config });

async function read(
  path: string,
  gateway: Pick<RunningGateway, 'url'> | undefined = gateways[0],
): Promise<Json> {
  return (await fetch(`${gateway?.url}${path}`)).json();
}
const heartbeats = async (gateway?: Pick<RunningGateway, 'url'>): Promise<Json[]> =>
  (await read('/heartbeats', gateway)).heartbeats;
const makeDue = (...names: string[]) =>
  fixture.sql.query('update gateway.heartbeats set due_at = now() where name = any($1)', [names]);
const done = (name: string, runs = 1) =>
  eventually(
    `${name} is done`,
    async () => (await heartbeats()).find((entry) => entry.name === name && entry.runs >= runs),
    30_000,
  );

describe('heartbeats', () => {
  it('are those of the contract, with their periods', async () => {
    const listed = await eventually('they are known', async () => {
      const found = await heartbeats();
      return found.length > 0 ? found : undefined;
    });
    expect(listed.map(({ name, every_seconds }: Json) => [name, every_seconds])).toEqual([
      ['health_check', 300],
      ['memory_sync', 1_800],
      ['provider_usage_snapshot', 21_600],
      ['daily_backup', 86_400],
    ]);
    expect(listed[0]).toMatchObject({ running: false, outcome: null, ended_at: null, message: '', runs: 0 });
  });

  it('are done once in a period, however many gateways share the database', async () => {
    for (let round = 1; round <= 5; round++) {
      await makeDue(...JOBS);
      for (const name of JOBS) await done(name, round);
    }
    for (const entry of await heartbeats()) {
      expect(entry).toMatchObject({ runs: 5, outcome: 'succeeded', running: false });
      const period = Date.parse(entry.next_at) - Date.parse(entry.started_at);
      expect(Math.round(period / 1_000)).toBe(entry.every_seconds);
    }
  });

  it('go on with another gateway when the one that does it is killed', async () => {
    await Promise.all(gateways.map((gateway) => gateway.close()));
    const program = Program.start('skynet', ['gateway'], {
      ...{ DATABASE_URL: fixture.database.url, SKYNET_HTTP_PORT: '0', SKYNET_ALLOWED_ROOTS: fixture.root },
      SKYNET_LOG_LEVEL: 'silent',
    });
    const url = await program.line(/OpenClaw gateway: (\S+)/, 60_000);
    // Nobody comes to an end with this job as long as the test keeps its table.
    const lock = new pg.Client({ connectionString: fixture.database.url });
    await lock.connect();
    await lock.query('begin');
    await lock.query('lock table gateway.provider_usage_snapshots in access exclusive mode');
    await makeDue('provider_usage_snapshot');
    const running = async (at?: Pick<RunningGateway, 'url'>) =>
      (await heartbeats(at)).find(
        ({ name, running: isRunning }: Json) => name === 'provider_usage_snapshot' && isRunning,
      );
    const first = await eventually('it is begun', () => running({ url }));
    expect(first.gateway).toMatch(new RegExp(`-${new URL(url).port}$`));
    await program.kill('SIGKILL');
    // What the killed one was waiting for would otherwise go on in the database until it finds nobody there.
    await fixture.sql.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
    );
    gateways = [await start(), await start()];
    expect(await running(gateways[0])).toMatchObject({ gateway: first.gateway });
    // The lease of 30 s runs out.
    await fixture.sql.query(
      "update gateway.heartbeats set held_until = now() - interval '1 s' where holder is not null",
    );
    await eventually('another has taken it', async () =>
      (await running(gateways[0]))?.gateway === first.gateway ? undefined : true,
    );
    await lock.query('rollback');
    await lock.end();
    const end = await done('provider_usage_snapshot');
    expect(end).toMatchObject({ outcome: 'succeeded', runs: 1 });
    expect(end.gateway).not.toBe(first.gateway);
  });

  it('say what failed, and try again soon', async () => {
    await Promise.all(gateways.map((gateway) => gateway.close()));
    writeFileSync(fixture.path('a-file'), '');
    gateways = [await start({ ...folders(), SKYNET_BACKUP_DIR: `${fixture.path('a-file')}/backups` })];
    await makeDue('daily_backup');
    const failed = await done('daily_backup');
    expect(failed).toMatchObject({ outcome: 'failed', message: expect.stringContaining('ENOTDIR') });
    expect((Date.parse(failed.next_at) - Date.parse(failed.ended_at)) / 60_000).toBeCloseTo(15, 1);
    const sentinel = await eventually('it is looked at', async () => {
      const view = await read('/sentinel');
      return view.looked_at === null ? undefined : view;
    });
    expect(sentinel.components.find(({ name }: Json) => name === 's3_storage').state).toBe('down');
  });

  it('say when there is nothing to do', async () => {
    await Promise.all(gateways.map((gateway) => gateway.close()));
    gateways = [await start({})];
    await makeDue('daily_backup', 'memory_sync');
    expect(await done('daily_backup')).toMatchObject({
      outcome: 'skipped',
      message: 'SKYNET_BACKUP_DIR is not set: there are no backups.',
    });
    expect(await done('memory_sync')).toMatchObject({ outcome: 'skipped' });
    await Promise.all(gateways.map((gateway) => gateway.close()));
    gateways = [await start()];
  });
});

describe('the job', () => {
  it('daily_backup writes all tables of one moment, whole, and keeps the newest', async () => {
    await fixture.sql.query(
      'insert into gateway.profiles (telegram_user_id) values (1) on conflict do nothing',
    );
    await fixture.sql.query(
      `insert into gateway.profile_facts (telegram_user_id, key, text)
       select 1, 'k' || n, 'a "text" with ' || chr(10) || ' a line' from generate_series(1, 50) n on conflict do nothing`,
    );
    const folder = fixture.path('backups');
    const old = ['20200101T000000Z', '20200102T000000Z'].map((time) => `skynet-gateway-${time}.jsonl.gz`);
    for (const name of [...old, 'foreign.txt']) writeFileSync(`${folder}/${name}`, '');
    await makeDue('daily_backup');
    const { message } = await done('daily_backup');
    const newest = message.split(':')[0] as string;
    expect(readdirSync(folder).sort()).toEqual(['foreign.txt', old[1], newest]);
    expect(message).toContain('; 1 old ones removed.');
    expect(statSync(`${folder}/${newest}`).mode & 0o777).toBe(0o600);
    const lines = gunzipSync(readFileSync(`${folder}/${newest}`))
      .toString()
      .trimEnd()
      .split('\n');
    expect(message).toContain(`${lines.length} rows`);
    const rows = lines.map((line) => JSON.parse(line));
    expect(rows.filter(({ table }) => table === 'profile_facts')).toHaveLength(50);
    // As the documentation restores it.
    await fixture.sql.query('delete from gateway.profile_facts');
    await fixture.sql.query('create temp table backup (line json)');
    for (const line of lines) await fixture.sql.query('insert into backup values ($1)', [line]);
    await fixture.sql.query(
      `insert into gateway.profile_facts overriding system value
       select r.* from backup b cross join json_populate_record(null::gateway.profile_facts, b.line -> 'row') r
       where b.line ->> 'table' = 'profile_facts'`,
    );
    const { rows: facts } = await fixture.sql.query('select text from gateway.profile_facts');
    expect(facts).toEqual(Array(50).fill({ text: 'a "text" with \n a line' }));
  });

  it('memory_sync brings files into line with what is remembered', async () => {
    const put = (user: number, key: string, text: string) =>
      fetch(`${gateways[0]?.url}/profile/${user}/facts/${key}`, {
        method: 'PUT',
        body: JSON.stringify({ text }),
      });
    await fixture.sql.query('delete from gateway.profiles');
    await put(7, 'editor', 'Uses\nVim');
    await put(8, 'home', 'Łódź');
    const folder = fixture.path('memory');
    writeFileSync(`${folder}/9.md`, 'somebody who is gone');
    writeFileSync(`${folder}/notes.txt`, 'not ours');
    await makeDue('memory_sync');
    expect((await done('memory_sync')).message).toBe('Facts of 2 people: 2 files written, 1 removed.');
    expect(readFileSync(`${folder}/7.md`, 'utf8')).toBe('# What is remembered of 7\n\n- editor: Uses Vim\n');
    await fetch(`${gateways[0]?.url}/profile/8/memory-policy`, {
      method: 'POST',
      body: JSON.stringify({ enabled: false }),
    });
    await makeDue('memory_sync');
    expect((await done('memory_sync', 2)).message).toBe('Facts of 1 people: 0 files written, 1 removed.');
    expect(readdirSync(folder).sort()).toEqual(['7.md', 'notes.txt']);
    expect(existsSync(`${folder}/8.md`)).toBe(false);
  });

  it('provider_usage_snapshot keeps the usage of the day, and forgets what is old', async () => {
    await fixture.sql.query('delete from gateway.provider_usage_snapshots');
    await fixture.sql.query(
      `insert into gateway.provider_usage (provider, day, requests, input_tokens, output_tokens)
       select 'groq', (now() at time zone 'UTC')::date - n, 3, 20, 10 from unnest(array[0, 1, 89, 91, 400]) as n`,
    );
    await makeDue('provider_usage_snapshot');
    expect((await done('provider_usage_snapshot')).message).toBe(
      'Usage of 1 providers kept, 2 old rows removed.',
    );
    const { days, snapshots } = await read('/providers/usage');
    expect(days).toHaveLength(2);
    const today = { provider: 'groq', day: days[0].day, requests: 3, input_tokens: 20, output_tokens: 10 };
    expect(days[0]).toEqual(today);
    expect(snapshots).toEqual([{ ...today, taken_at: expect.stringMatching(/^\d{4}-/) }]);
    const { rows } = await fixture.sql.query('select count(*)::int as days from gateway.provider_usage');
    expect(rows).toEqual([{ days: 3 }]);
  });

  it('health_check keeps what it finds of all components', async () => {
    await makeDue('health_check');
    const { message } = await done('health_check');
    expect(message).toBe('chathan_worker: up; scheduler_queue: up; database: up; s3_storage: up.');
    const { health_checks } = await read('/sentinel');
    expect(health_checks[0].findings.database).toEqual({ state: 'up', detail: 'It answers.' });
  });
});
