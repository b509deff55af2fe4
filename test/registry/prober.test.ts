import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { ScriptableGateway } from '../support/scriptable-gateway.js';

const READY = { agent_connected: true, ssh_fallback_enabled: false, ssh_fallback_healthy: false };

let database: TestDatabase;
let gateway: ScriptableGateway;
const replicas: TestControlPlane[] = [];

beforeEach(async () => {
  database = await createTestDatabase();
  gateway = await ScriptableGateway.start();
});
afterEach(async () => {
  await Promise.all(replicas.splice(0).map((replica) => replica.close()));
  await gateway.close();
  await database.drop();
});

/** A replica on the test's database; its prober looks every so many seconds. */
async function replica(probeSeconds: string, env: Record<string, string> = {}): Promise<TestControlPlane> {
  const started = await startTestControlPlane({
    databaseUrl: database.url,
    env: { SKYNET_GATEWAY_PROBE_SECS: probeSeconds, ...env },
  });
  replicas.push(started);
  return started;
}

const register = (api: TestControlPlane, more: object = {}) =>
  api.post('/v1/register-gateway', { gateway_id: 'g', host: gateway.url, ...more });

async function gatewayOf(api: TestControlPlane, id: string): Promise<Record<string, unknown> | undefined> {
  const { body } = await api.fetch('/v1/system-state');
  return body.gateways.find((entry: { gateway_id: string }) => entry.gateway_id === id);
}

/** A `/status` that waits: `asked` resolves when a probe has come, `answer` lets it go. */
function holdStatus(): { readonly asked: Promise<void>; readonly answer: () => void } {
  let asked!: () => void;
  let answer!: () => void;
  const arrival = new Promise<void>((done) => (asked = done));
  const gate = new Promise<void>((done) => (answer = done));
  gateway.statusAnswer = async () => {
    asked();
    await gate;
    return { status: 200, body: READY };
  };
  return { asked: arrival, answer };
}

describe('the prober', () => {
  it('writes nothing and wakes nobody while nothing changes', async () => {
    const api = await replica('0.05');
    const listener = new pg.Client({ connectionString: database.url });
    await listener.connect();
    await listener.query('listen skynet_wakeup');
    const registered = new Promise((done) => listener.once('notification', done));
    await register(api);
    await registered;
    const wakeups: string[] = [];
    listener.on('notification', ({ payload }) => wakeups.push(payload ?? ''));
    const version = async () => (await api.query(`select xmin::text, * from gateways`))[0];
    const before = await version();
    const seen = gateway.probes;
    await gateway.until((it) => it.probes > seen + 5);
    // Notifications come with the answer to whatever the connection asks next.
    await listener.query('select 1');
    expect(wakeups).toEqual([]);
    expect(await version()).toEqual(before);
    await listener.end();
  });

  it('wakes the dispatchers of all replicas when a gateway comes back', async () => {
    gateway.ready = false;
    const api = await replica('0.1');
    await register(api);
    const listener = new pg.Client({ connectionString: database.url });
    await listener.connect();
    await listener.query('listen skynet_wakeup');
    const woken = new Promise<string>((done) =>
      listener.on('notification', ({ payload }) => done(payload ?? '')),
    );
    gateway.ready = true;
    expect(JSON.parse(await woken)).toMatchObject({ topics: ['ready'] });
    expect(await gatewayOf(api, 'g')).toMatchObject({ status: 'online', status_reason: '' });
    await listener.end();
  });

  it('does not undo what an operator declared while it was looking', async () => {
    const api = await replica('3600');
    await register(api);
    const probing = await replica('0.05');
    const held = holdStatus();
    await held.asked;
    await api.query(`update gateways set status = 'maintenance', declared_status = 'maintenance'`);
    held.answer();
    const seen = gateway.probes;
    await gateway.until((it) => it.probes > seen + 2);
    expect(await gatewayOf(probing, 'g')).toMatchObject({ status: 'maintenance' });
  });

  it('keeps looking at the others while many gateways are silent', async () => {
    const api = await replica('0.05');
    const silent = await ScriptableGateway.start();
    const never = new Promise<never>(() => undefined);
    silent.statusAnswer = () => never;
    await api.query(
      `insert into gateways (gateway_id, host, status, declared_status, registered_at)
       select 'silent-' || n, $1, 'online', 'online', now() - interval '1 day' from generate_series(1, 40) n`,
      [silent.url],
    );
    // The pass that looks at the silent ones takes the whole time limit of a probe, 5 s.
    await silent.until((it) => it.probes >= 1);
    await register(api);
    gateway.ready = false;
    const begun = performance.now();
    await eventually('the change is seen', async () =>
      (await gatewayOf(api, 'g'))?.['status'] === 'degraded' ? true : undefined,
    );
    expect(performance.now() - begun).toBeLessThan(8_000);
    await silent.close();
  });
});

describe('a registration', () => {
  it('shows no gateway as usable before it has been looked at', async () => {
    const api = await replica('3600');
    const held = holdStatus();
    const answer = register(api);
    await held.asked;
    expect(await gatewayOf(api, 'g')).toBeUndefined();
    held.answer();
    expect((await answer).body).toMatchObject({ status: 'online' });
  });

  it('of a worker commits together with its idempotency key', async () => {
    const api = await replica('3600');
    const key = { 'x-idempotency-key': 'one' };
    const sent = { worker_id: 'w', capabilities: ['a'] };
    const first = await api.post('/v1/register-worker', sent, key);
    const [row] = await api.query<{ same: boolean }>(
      `select w.xmin = k.xmin as same from workers w, idempotency_keys k where w.worker_id = 'w'`,
    );
    expect(row).toEqual({ same: true });
    expect((await api.post('/v1/register-worker', sent, key)).body).toEqual(first.body);
  });
});

describe('seeding', () => {
  const seeded = { OPENCLAW_GATEWAY_URLS: '' };
  beforeEach(() => void (seeded.OPENCLAW_GATEWAY_URLS = gateway.url));
  const online = (api: TestControlPlane) =>
    eventually('the seeded gateway is usable', async () => {
      const found = await gatewayOf(api, 'openclaw');
      return found?.['status'] === 'online' ? found : undefined;
    });

  it('registers the gateways of the configuration, and looks at them', async () => {
    const api = await replica('3600', {
      OPENCLAW_GATEWAY_URLS: `${gateway.url}/,ftp://nonsense,${gateway.url}/b`,
    });
    expect(await online(api)).toMatchObject({
      host: gateway.url,
      capabilities: ['execute_task', 'get_gateway_status', 'get_worker_status', 'list_sessions'],
      metadata: { source: 'startup' },
    });
    await eventually('both are there', async () => {
      const { body } = await api.fetch('/v1/system-state');
      const ids = body.gateways.map((entry: { gateway_id: string }) => entry.gateway_id).sort();
      return ids.join() === 'openclaw,openclaw_3' ? true : undefined;
    });
  });

  it('does not keep the API from answering while a gateway is silent', async () => {
    const held = holdStatus();
    const begun = performance.now();
    const api = await replica('3600', seeded);
    expect((await api.fetch('/v1/health')).status).toBe(200);
    expect(performance.now() - begun).toBeLessThan(4_000);
    await held.asked;
    held.answer();
    await online(api);
  });

  it('at the next start leaves alone what an operator has said since', async () => {
    const first = await replica('3600', seeded);
    await online(first);
    const drained = { gateway_id: 'openclaw', status: 'maintenance', capabilities: ['mine'] };
    await register(first, drained);
    const second = await replica('0.05', seeded);
    const seen = gateway.probes;
    await gateway.until((it) => it.probes > seen + 2);
    expect(await gatewayOf(second, 'openclaw')).toMatchObject({
      status: 'maintenance',
      capabilities: ['mine'],
    });
  });

  it('follows a configuration that has changed', async () => {
    await online(await replica('3600', seeded));
    const moved = await ScriptableGateway.start();
    const second = await replica('0.05', { OPENCLAW_GATEWAY_URLS: moved.url });
    await eventually('the gateway has moved', async () => {
      const found = await gatewayOf(second, 'openclaw');
      return found?.['host'] === moved.url && found['status'] === 'online' ? true : undefined;
    });
    await moved.close();
  });

  it('does not take over a gateway that an operator registered under its id', async () => {
    const first = await replica('3600');
    await register(first, { gateway_id: 'openclaw', capabilities: ['mine'] });
    const elsewhere = await ScriptableGateway.start();
    const second = await replica('0.05', { OPENCLAW_GATEWAY_URLS: elsewhere.url });
    const seen = gateway.probes;
    await gateway.until((it) => it.probes > seen + 2);
    expect(await gatewayOf(second, 'openclaw')).toMatchObject({ host: gateway.url, capabilities: ['mine'] });
    expect(elsewhere.probes).toBe(0);
    await elsewhere.close();
  });

  it('that a shutdown interrupts leaves no loop behind', async () => {
    const held = holdStatus();
    const api = await startTestControlPlane({
      databaseUrl: database.url,
      env: { ...seeded, SKYNET_GATEWAY_PROBE_SECS: '0.05' },
    });
    await held.asked;
    const closed = api.close();
    held.answer();
    await closed;
    const seen = gateway.probes;
    await new Promise((done) => setTimeout(done, 200)); // Four periods of a loop that should be gone.
    expect(gateway.probes).toBe(seen);
  });
});
