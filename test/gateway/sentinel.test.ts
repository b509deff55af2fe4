import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { gatewayConfig, type RunningGateway, startGateway } from '../../src/gateway/index.js';
import { sentinelConfig } from '../../src/gateway/sentinel/index.js';
import { Env } from '../../src/platform/config/env.js';
import { createLogger } from '../../src/platform/logging/logger.js';
import { CuttableProxy } from '../support/cuttable-proxy.js';
import { eventually } from '../support/eventually.js';
import { type Json } from '../support/json.js';
import { GatewayFixture } from './fixture.js';
import { BOT_TOKEN, BotApi } from './telegram/bot-api.js';

let fixture: GatewayFixture;
let api: BotApi;
let gateways: RunningGateway[] = [];
beforeAll(async () => (fixture = await GatewayFixture.create()));
afterAll(() => fixture.close());
beforeEach(async () => (api = await BotApi.start()));
afterEach(async () => {
  await Promise.all(gateways.map((gateway) => gateway.close()));
  gateways = [];
  await api.close();
  await fixture.sql.query('truncate gateway.sentinel_alerts, gateway.sentinel_failures');
  await fixture.sql.query('update gateway.sentinel_components set is_down = false, alerted_at = null');
});

const QUICK = { ...sentinelConfig(), graceMs: 0, lookEveryMs: 50, freshMs: 2_000 };
const withBot = () => ({
  TELEGRAM_BOT_TOKEN: BOT_TOKEN,
  TELEGRAM_ALLOWED_USER_ID: '7',
  TELEGRAM_API_BASE: api.url,
});
async function start(env: Record<string, string> = {}, sentinel = QUICK): Promise<RunningGateway> {
  const gateway = await fixture.start({ env, config: { sentinel } });
  gateways.push(gateway);
  return gateway;
}

const view = async (gateway: RunningGateway): Promise<Json> =>
  (await fetch(`${gateway.url}/sentinel`)).json();
const component = (gateway: RunningGateway, name: string, state: string) =>
  eventually(`${name} is ${state}`, async () =>
    (await view(gateway)).components.find((entry: Json) => entry.name === name && entry.state === state),
  );
const alerts = (gateway: RunningGateway, count: number): Promise<Json[]> =>
  eventually(`there are ${count} alerts`, async () => {
    const { alerts: found } = await view(gateway);
    return found?.length >= count ? found : undefined;
  });
/** Waits until all gateways that find something down have looked a good many times more. */
async function looks(): Promise<void> {
  const { rows } = await fixture.sql.query('select now() as now');
  await eventually('there were more looks', async () => {
    const { rows: seen } = await fixture.sql.query(
      "select count(*)::int as old from gateway.sentinel_failures where seen_at < $1::timestamptz + interval '500 ms'",
      [rows[0].now],
    );
    return seen[0].old === 0 ? true : undefined;
  });
}

/** Where backups would go, as long as the test keeps it from being a folder. */
const storage = () => fixture.path('storage');
const breakStorage = () =>
  eventually('there is a file instead', () => {
    rmSync(storage(), { recursive: true, force: true });
    try {
      writeFileSync(storage(), '');
      return Promise.resolve(true);
    } catch {
      // A look has made the folder again.
      return Promise.resolve(undefined);
    }
  });
const mendStorage = () => {
  rmSync(storage(), { force: true });
  mkdirSync(storage(), { recursive: true });
};

describe('the sentinel', () => {
  it('watches the four components, and says which of them are not configured', async () => {
    const gateway = await start();
    await component(gateway, 'database', 'up');
    const { components, gateway: name, looked_at } = await view(gateway);
    expect(components.map((entry: Json) => [entry.name, entry.state])).toEqual([
      ['chathan_worker', 'up'],
      ['scheduler_queue', 'up'],
      ['database', 'up'],
      ['s3_storage', 'not_configured'],
    ]);
    expect(name).toMatch(new RegExp(`-${new URL(gateway.url).port}$`));
    expect(Date.parse(looked_at)).toBeGreaterThan(0);
    const bare = await start({ SKYNET_ALLOWED_ROOTS: ',' });
    await component(bare, 'chathan_worker', 'not_configured');
    const lonely = await start({
      ...{ SKYNET_ALLOWED_ROOTS: ',', SKYNET_AUTH_TOKEN: 't', OPENCLAW_WS_PORT: '0' },
      OPENCLAW_WS_HOST: '127.0.0.1',
    });
    await component(lonely, 'chathan_worker', 'down');
    expect((await alerts(gateway, 1))[0]).toMatchObject({
      component: 'chathan_worker',
      kind: 'alert',
      message: expect.stringMatching(
        /^Sentinel: chathan_worker is down\. Nobody is there who executes actions\. \(/,
      ),
    });
  });

  it('alerts once for all gateways, again after 300 s, and tells of the recovery once', async () => {
    await breakStorage();
    const env = { SKYNET_BACKUP_DIR: storage() };
    const first = await start(env);
    const second = await start({ ...env, ...withBot() });
    await eventually('both find it down', async () =>
      (await component(first, 's3_storage', 'down')).failures.length === 2 ? true : undefined,
    );
    await alerts(first, 1);
    await looks();
    expect((await view(second)).alerts).toHaveLength(1);
    expect((await api.answer(1)).text).toMatch(/^Sentinel: s3_storage is down\. /);
    await fixture.sql.query("update gateway.sentinel_components set alerted_at = now() - interval '299 s'");
    const [again] = await alerts(first, 2);
    expect(again?.kind).toBe('alert');
    mendStorage();
    expect((await alerts(first, 3))[0]).toMatchObject({
      kind: 'recovery',
      message: 'Sentinel: s3_storage is up again.',
    });
    expect((await api.answer(3)).text).toBe('Sentinel: s3_storage is up again.');
    // It comes and goes: that is written down, and no alert within 300 s.
    await breakStorage();
    await eventually('it is down again', async () =>
      (await component(first, 's3_storage', 'down')).failures.length === 2 ? true : undefined,
    );
    await looks();
    expect((await view(first)).alerts).toHaveLength(3);
    expect(api.texts()).toHaveLength(3);
  });

  it('gives a start its grace', async () => {
    await breakStorage();
    const gateway = await start({ SKYNET_BACKUP_DIR: storage() }, { ...QUICK, graceMs: 60_000 });
    const found = await component(gateway, 's3_storage', 'down');
    expect(found.failures).toEqual([]);
    const since = (await view(gateway)).looked_at;
    await eventually('there were more looks', async () =>
      Date.parse((await view(gateway)).looked_at) > Date.parse(since) + 300 ? true : undefined,
    );
    expect((await view(gateway)).alerts).toEqual([]);
  });

  it('no longer counts what a gateway has found that says nothing more', async () => {
    await fixture.sql.query(
      "insert into gateway.sentinel_failures (component, gateway, detail, seen_at) values ('s3_storage', 'dead', 'x', now())",
    );
    await fixture.sql.query(
      "update gateway.sentinel_components set is_down = true, alerted_at = now() where component = 's3_storage'",
    );
    const gateway = await start();
    expect((await component(gateway, 's3_storage', 'not_configured')).failures).toHaveLength(1);
    // After 2 s here, after 60 s elsewhere.
    expect((await alerts(gateway, 1))[0]).toMatchObject({ component: 's3_storage', kind: 'recovery' });
  });

  it('finds a project that nobody takes up', async () => {
    const gateway = await start({}, { ...QUICK, stuckMs: 5_000 });
    await component(gateway, 'scheduler_queue', 'up');
    // Nobody can claim it: first a lease keeps the gateways from it, and then the test, which locks its row.
    await fixture.sql.query(
      `insert into gateway.projects (id, slug, name, description, directory, status, bootstrap, holder, held_until)
       values ('project_000000000000', 'stuck', 'x', '', '/x', 'ideation', 'pending', 'x', now() + interval '1 s')`,
    );
    await fixture.sql.query('begin');
    try {
      await fixture.sql.query("select 1 from gateway.projects where slug = 'stuck' for update");
      const { detail } = await component(gateway, 'scheduler_queue', 'down');
      expect(detail).toMatch(/^A project has been waiting for \d+ s to be taken up\.$/);
    } finally {
      await fixture.sql.query('rollback');
    }
    await component(gateway, 'scheduler_queue', 'up');
    await fixture.sql.query('delete from gateway.projects');
  });

  it('alerts of a database that is away by itself, and writes it down when it is back', async () => {
    const way = await CuttableProxy.to(fixture.database.url);
    const env = new Env({ SKYNET_HTTP_PORT: '0', SKYNET_ALLOWED_ROOTS: fixture.root, ...withBot() });
    const gateway = await startGateway({
      config: { ...gatewayConfig(env), patienceMs: 100, sentinel: QUICK },
      databaseUrl: way.url,
      logger: createLogger('test', 'silent'),
      env: process.env,
    });
    try {
      await component(gateway, 'database', 'up');
      way.cut();
      await component(gateway, 'database', 'down');
      expect((await api.answer(1)).text).toMatch(/^Sentinel: database is down\. /);
      expect(await view(gateway)).toMatchObject({ alerts: null, health_checks: null });
      way.mend();
      const told = await alerts(gateway, 2);
      expect(told.map(({ kind, component: name }) => [kind, name])).toEqual([
        ['recovery', 'database'],
        ['alert', 'database'],
      ]);
      expect((await api.answer(2)).text).toBe('Sentinel: database is up again.');
      expect(api.texts()).toHaveLength(2);
    } finally {
      way.mend();
      await gateway.close();
      await way.close();
    }
  });
});
