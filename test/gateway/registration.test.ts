import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { portOr } from '../../src/cli/quickstart/processes.js';
import { productVersion } from '../../src/platform/product-version.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { type Json } from '../support/json.js';
import { Program } from '../support/program.js';
import { GatewayFixture } from './fixture.js';

const KEY = 'the-key-of-the-control-plane';
const ID = 'openclaw/a';

let fixture: GatewayFixture;
let controlDatabase: TestDatabase;
let sql: pg.Client;
let ports: { readonly control: number; readonly gateway: number };
let programs: Program[] = [];

beforeAll(async () => {
  fixture = await GatewayFixture.create();
});
afterAll(() => fixture.close());
beforeEach(async () => {
  controlDatabase = await createTestDatabase();
  sql = new pg.Client({ connectionString: controlDatabase.url });
  await sql.connect();
  ports = { control: await portOr(0), gateway: await portOr(0) };
});
afterEach(async () => {
  await Promise.all(programs.map((program) => program.kill('SIGKILL')));
  programs = [];
  await sql.end();
  await controlDatabase.drop();
});

function started(program: Program): Program {
  programs.push(program);
  return program;
}

async function startControlPlane(): Promise<Program> {
  const program = started(
    Program.start('skynet', ['serve'], {
      DATABASE_URL: controlDatabase.url,
      SKYNET_HOST: '127.0.0.1',
      SKYNET_PORT: String(ports.control),
      SKYNET_API_KEY: KEY,
      SKYNET_GATEWAY_PROBE_SECS: '0.2',
      SKYNET_DIAGNOSTIC_RATE_LIMIT_PER_MIN: '0',
      SKYNET_LOG_LEVEL: 'silent',
    }),
  );
  await program.line(/SKYNET control plane: (\S+)/);
  return program;
}

async function startGateway(env: Record<string, string> = {}): Promise<Program> {
  const program = started(
    Program.start('skynet', ['gateway'], {
      DATABASE_URL: fixture.database.url,
      SKYNET_HTTP_PORT: String(ports.gateway),
      SKYNET_ALLOWED_ROOTS: fixture.root,
      SKYNET_ORCHESTRATOR_URL: `http://127.0.0.1:${ports.control}/`,
      SKYNET_API_KEY: KEY,
      SKYNET_GATEWAY_ID: ID,
      SKYNET_GATEWAY_SLOTS: '3',
      SKYNET_GATEWAY_HEARTBEAT_SECS: '0.2',
      ...env,
    }),
  );
  await program.line(/OpenClaw gateway: (\S+)/);
  return program;
}

async function api(path: string, body?: object): Promise<{ status: number; body: Json }> {
  const response = await fetch(`http://127.0.0.1:${ports.control}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': KEY },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

const known = async () => (await api(`/v1/gateways/${encodeURIComponent(ID)}`)).body;
const until = (what: string, holds: (gateway: Json) => boolean) =>
  eventually(what, async () => {
    const gateway = await known().catch(() => undefined);
    return gateway !== undefined && holds(gateway) ? gateway : undefined;
  });
const isOnline = ({ status }: Json) => status === 'online';

describe('a gateway that is told of a control plane', () => {
  it('registers itself with what it can take, shows its load, and takes tasks', async () => {
    await startControlPlane();
    await startGateway();
    const gateway = await until('it is online', isOnline);
    expect(gateway).toMatchObject({
      gateway_id: ID,
      host: `http://127.0.0.1:${ports.gateway}`,
      metadata: { source: 'gateway' },
      version: productVersion,
      slots: 3,
      load: 0,
    });
    const slow = fixture.slowTest('load');
    const task = { task_id: 'slow', action: 'run_tests', params: slow.params };
    expect((await api('/v1/tasks/enqueue', task)).status).toBe(200);
    await slow.started();
    await until('its load is one', ({ load }) => load === 1);
    // The control plane would send it eight.
    for (const id of ['second', 'third', 'fourth']) await api('/v1/tasks/enqueue', { ...task, task_id: id });
    await until('it has what it wants', ({ load }) => load === 3);
    const { reasons } = (await api('/v1/tasks/fourth/explain')).body;
    expect(JSON.stringify(reasons)).toContain('"in_flight":3,"max_in_flight":3');
    slow.letGo();
    await until('its load is none', ({ load }) => load === 0);
  });

  it('is registered again by the next heartbeat when it has been forgotten', async () => {
    await startControlPlane();
    await startGateway();
    await until('it is online', isOnline);
    await sql.query('delete from gateways');
    await until('it is online again', isOnline);
  });

  it('outlives a restart of the control plane, killed or not, without registering anew', async () => {
    const first = await startControlPlane();
    await startGateway();
    const { registered_at: since } = await until('it is online', isOnline);
    await first.kill('SIGKILL');
    const second = await startControlPlane();
    const seen = (await known()).last_heartbeat as string;
    await until('it is heard', ({ last_heartbeat: at }) => at > seen);
    await second.kill('SIGTERM');
    await startControlPlane();
    expect(await until('it is online', isOnline)).toMatchObject({ registered_at: since });
  });

  it('says goodbye, and comes back under its id at the address that it has then', async () => {
    await startControlPlane();
    const gateway = await startGateway();
    await until('it is online', isOnline);
    expect(await gateway.kill('SIGTERM')).toBe(0);
    expect(await known()).toMatchObject({ status: 'offline' });
    ports = { ...ports, gateway: await portOr(0) };
    await startGateway();
    expect(await until('it is online', isOnline)).toMatchObject({
      host: `http://127.0.0.1:${ports.gateway}`,
    });
  });

  it('comes back after it was killed', async () => {
    await startControlPlane();
    const gateway = await startGateway();
    await until('it is online', isOnline);
    await gateway.kill('SIGKILL');
    await until('its silence is noticed', ({ status }) => status === 'offline');
    await startGateway();
    await until('it is online again', isOnline);
  });

  it('serves while the control plane is away, tells it once, and registers when it is there', async () => {
    const gateway = await startGateway();
    await eventually('the trouble is told', () =>
      Promise.resolve(gateway.stderr.includes('Not registered with the control plane') || undefined),
    );
    expect((await fetch(`http://127.0.0.1:${ports.gateway}/status`)).status).toBe(200);
    await startControlPlane();
    await until('it is online', isOnline);
    expect(gateway.stderr.match(/Not registered with the control plane/g)).toHaveLength(1);
  });

  it('names the setting that is wrong, never its value, and goes on serving', async () => {
    await startControlPlane();
    const gateway = await startGateway({ SKYNET_API_KEY: 'hunter2' });
    await eventually('the trouble is told', () =>
      Promise.resolve(/answers 401.*SKYNET_API_KEY/.test(gateway.stderr) || undefined),
    );
    expect(gateway.stdout + gateway.stderr).not.toContain('hunter2');
    expect((await api('/v1/system-state')).body.gateway_count).toBe(0);
    expect((await fetch(`http://127.0.0.1:${ports.gateway}/status`)).status).toBe(200);
    const other = await startGateway({
      SKYNET_HTTP_PORT: '0',
      SKYNET_GATEWAY_PUBLIC_URL: 'http://169.254.169.254',
    });
    await eventually('the trouble is told', () =>
      Promise.resolve(/answers 400.*SKYNET_GATEWAY_PUBLIC_URL/.test(other.stderr) || undefined),
    );
    expect(await other.kill('SIGTERM')).toBe(0);
  });
});

it('a gateway without SKYNET_ORCHESTRATOR_URL says nothing to anybody', async () => {
  await startControlPlane();
  const gateway = await startGateway({ SKYNET_ORCHESTRATOR_URL: '', SKYNET_LOG_LEVEL: 'DEBUG' });
  expect(await gateway.kill('SIGTERM')).toBe(0);
  expect(gateway.stderr).not.toContain('control plane');
  expect((await api('/v1/system-state')).body.gateway_count).toBe(0);
});
