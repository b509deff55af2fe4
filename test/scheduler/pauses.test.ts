import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RegistryService } from '../../src/control-plane/registry/index.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { type Json } from '../support/json.js';
import { ScriptableGateway } from '../support/scriptable-gateway.js';

/** Polls so seldom that only wake-ups can bring what a test waits for. */
const SCHEDULING = {
  SKYNET_CONTROL_SCHEDULER_ENABLED: '1',
  SKYNET_CONTROL_SCHEDULER_POLL_SECS: '3600',
  SKYNET_GATEWAY_PROBE_SECS: '0.2',
};

let g: ScriptableGateway;
let h: ScriptableGateway;
let api: TestControlPlane;
let other: TestControlPlane;
beforeEach(async () => {
  [g, h] = await Promise.all([ScriptableGateway.start(), ScriptableGateway.start()]);
  api = await startTestControlPlane({ env: SCHEDULING });
  other = await startTestControlPlane({ env: SCHEDULING, databaseUrl: api.databaseUrl });
});
afterEach(async () => {
  await other.close();
  await api.close();
  await Promise.all([g.close(), h.close()]);
});

const post = async (path: string, body: object = {}): Promise<Json> => {
  const reply = await api.post(path, body);
  expect([path, reply.status]).toEqual([path, 200]);
  return reply.body;
};
const register = (gateway_id: string, { url }: ScriptableGateway) =>
  post('/v1/register-gateway', { gateway_id, host: url });
const enqueue = (task_id: string, more: object = {}) =>
  post('/v1/tasks/enqueue', { task_id, action: 'a', delivery: 'push', ...more });
const pause = (what: string) => post(`/v1/${what}/pause`, { reason: 'Later.' });
const resume = (what: string) => post(`/v1/${what}/resume`);
const succeeded = (id: string) =>
  eventually(`${id} has succeeded`, async () => {
    const { body } = await api.fetch(`/v1/tasks/${id}`);
    return body.status === 'succeeded' ? true : undefined;
  });
const idsAt = ({ seen }: ScriptableGateway) => seen.map(({ task_id }) => task_id);
const gatewayView = async (id: string): Promise<Json> =>
  (await api.fetch('/v1/system-state')).body.gateways.find((one: Json) => one.gateway_id === id);

/** A promise, and the way to resolve it from outside. */
function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

describe('the dispatchers', () => {
  it.each(['gateways/g', 'projects/default', 'queue'])(
    'send nothing while %s is paused, and go on when it is resumed',
    async (what) => {
      await register('g', g);
      await pause(what);
      await enqueue('t');
      // It goes past both in its own way: by then they have looked.
      await register('h', h);
      if (what === 'gateways/g') await enqueue('marker', { gateway_id: 'h', gateway_strict: true });
      if (what === 'projects/default') await enqueue('marker', { project_id: 'other' });
      if (what === 'gateways/g') {
        await Promise.all([succeeded('marker'), succeeded('t')]);
        expect([idsAt(g), idsAt(h).sort()]).toEqual([[], ['marker', 't']]);
        await pause('gateways/h');
        await enqueue('later');
        expect((await api.fetch('/v1/tasks/later/explain')).body).toMatchObject({ runnable: false });
        await resume(what);
        await succeeded('later');
        expect(idsAt(g)).toEqual(['later']);
        return;
      }
      if (what === 'projects/default') await succeeded('marker');
      expect([...idsAt(g), ...idsAt(h)].filter((id) => id === 't')).toEqual([]);
      expect((await api.fetch('/v1/tasks/t')).body).toMatchObject({ status: 'queued', attempts: 0 });
      await resume(what);
      await succeeded('t');
    },
  );

  it('of two replicas under load claim nothing for a gateway after its pause was answered', async () => {
    await register('g', g);
    await register('h', h);
    const tasks = Array.from({ length: 600 }, (_, n) => ({
      task_id: `t${n}`,
      action: 'a',
      delivery: 'push',
    }));
    await post('/v1/tasks/batch', { tasks });
    for (let round = 0; round < 4; round++) {
      const [before, elsewhere] = [g.seen.length, h.seen.length];
      await g.until(({ seen }) => seen.length > before + 5);
      const replica = round % 2 === 0 ? api : other;
      expect((await replica.post('/v1/gateways/g/pause')).status).toBe(200);
      const [now] = await api.query<{ at: string }>('select clock_timestamp()::text as at');
      const after = g.seen.length;
      await h.until(({ seen }) => seen.length > elsewhere + 40);
      const late = idsAt(g).slice(after);
      // What had been claimed before was still sent.
      const claimedLater = await api.query(
        `select task_id from events where event_type = 'claimed' and task_id = any($1) and created_at > $2`,
        [late, now?.at],
      );
      expect(claimedLater).toEqual([]);
      expect((await other.post('/v1/gateways/g/resume')).status).toBe(200);
    }
  }, 30_000);

  it('let what a paused gateway executes come to its end', async () => {
    const { promise, resolve } = withResolvers();
    g.script.push({ kind: 'execute-slowly', release: promise });
    await register('g', g);
    await enqueue('t');
    await g.until(({ seen }) => seen.length === 1);
    await pause('gateways/g');
    resolve();
    await succeeded('t');
  });

  it('ask a paused gateway for its open execution when it is resumed, and no other', async () => {
    await register('g', g);
    await enqueue('t');
    await succeeded('t');
    await pause('gateways/g');
    await register('h', h);
    await enqueue('open');
    await h.until(({ seen }) => seen.length === 1);
    await succeeded('open');
    // As if the dispatcher of an execution at g had been killed.
    await pause('queue');
    await enqueue('orphan');
    await api.query(
      `update tasks set dispatch_key = 'k', dispatch_gateway_id = 'g', lane = 'action/push/g/', attempts = 1
       where id = 'orphan'`,
    );
    await resume('queue');
    await enqueue('marker');
    await succeeded('marker');
    const { reasons } = (await api.fetch('/v1/tasks/orphan/explain')).body;
    expect(reasons.map(({ code }: Json) => code)).toEqual(['open_execution', 'paused']);
    await resume('gateways/g');
    await succeeded('orphan');
    expect([idsAt(h).includes('orphan'), idsAt(g)]).toEqual([false, ['t', 'orphan']]);
  });
});

describe('a paused gateway', () => {
  it('gets no direct call, and the answer says why', async () => {
    await register('g', g);
    await register('h', h);
    await pause('gateways/g');
    const route = (more: object) => api.post('/v1/route-task', { action: 'a', ...more });
    expect((await route({ gateway_id: 'g' })).body.gateway_id).toBe('h');
    const refused = { status: 503, body: { detail: "No healthy gateway available: 'g' is paused (Later.)" } };
    expect(await route({ gateway_id: 'g', gateway_strict: true })).toMatchObject(refused);
    await api.post('/v1/gateways/h/pause');
    expect((await route({})).body.detail).toBe(
      "No healthy gateway available: 'g' is paused (Later.), 'h' is paused",
    );
    expect(idsAt(g)).toEqual([]);
    await resume('gateways/g');
    expect((await route({})).body.gateway_id).toBe('g');
  });

  it('is not asked again for a call that it may have executed, until it is resumed', async () => {
    await register('g', g);
    await register('h', h);
    g.otherwise = { kind: 'execute-and-drop' };
    const key = { 'x-idempotency-key': 'once' };
    const call = () => api.post('/v1/route-task', { action: 'a', gateway_id: 'g' }, key);
    expect((await call()).status).toBe(503);
    await pause('gateways/g');
    expect((await call()).body.detail).toMatch("'g' is paused");
    expect(h.seen).toEqual([]);
    g.otherwise = { kind: 'execute' };
    await resume('gateways/g');
    await eventually('it is up again', async () =>
      (await gatewayView('g')).status === 'online' ? true : undefined,
    );
    expect((await call()).body.gateway_id).toBe('g');
    expect([...g.executions.values()]).toEqual([1]);
  });

  it('is probed and shown as it is, may register anew, and stays paused', async () => {
    await register('g', g);
    await pause('gateways/g');
    const paused = { paused_at: expect.any(String), pause_reason: 'Later.' };
    expect(await gatewayView('g')).toMatchObject({ status: 'online', status_reason: '', ...paused });
    g.ready = false;
    await eventually('the probe shows', async () =>
      (await gatewayView('g')).status === 'degraded' ? true : undefined,
    );
    g.ready = true;
    expect(await register('g', g)).toMatchObject({ status: 'online', ...paused });
    const registry = api.get(RegistryService);
    // Whoever judges the leases of its workers goes by its health.
    expect(await registry.isGatewayHealthy('g')).toBe(true);
    expect(await registry.isGatewayHealthy(null)).toBe(true);
    expect(await registry.listUsableGateways()).toEqual([]);
    const first = await gatewayView('g');
    await pause('gateways/g');
    expect(await gatewayView('g')).toEqual(first);
    await resume('gateways/g');
    await resume('gateways/g');
    expect(await gatewayView('g')).toMatchObject({ status: 'online', paused_at: null, pause_reason: null });
  });

  it('does not keep the workers that belong to it from claiming', async () => {
    await register('g', g);
    await post('/v1/register-worker', { worker_id: 'w', gateway_id: 'g' });
    await pause('gateways/g');
    await enqueue('t', { delivery: 'any', gateway_id: 'g', gateway_strict: true });
    expect(await post('/v1/tasks/claim', { worker_id: 'w' })).toMatchObject({ task: { id: 't' } });
  });
});
