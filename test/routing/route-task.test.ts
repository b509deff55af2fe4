import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { ScriptableGateway } from '../support/scriptable-gateway.js';

const KEY = 'k'.repeat(40);
let api: TestControlPlane;
let a: ScriptableGateway;
let b: ScriptableGateway;

beforeAll(async () => {
  api = await startTestControlPlane({
    env: { SKYNET_GATEWAY_PROBE_SECS: '0.1', SKYNET_GATEWAY_TOKEN: 'gateway-secret', SKYNET_API_KEY: KEY },
  });
});
afterAll(() => api.close());
beforeEach(async () => {
  [a, b] = await Promise.all([ScriptableGateway.start(), ScriptableGateway.start()]);
});
afterEach(async () => {
  await Promise.all([a.close(), b.close()]);
  await api.query('delete from gateways');
});

const authorized = { 'x-api-key': KEY };
const register = async (id: string, gateway: ScriptableGateway, more: object = {}) => {
  const sent = { gateway_id: id, host: gateway.url, ...more };
  expect((await api.post('/v1/register-gateway', sent, authorized)).status).toBe(200);
};
const route = (more: object = {}, headers: Record<string, string> = {}) =>
  api.post('/v1/route-task', { action: 'git_status', ...more }, { ...authorized, ...headers });

/** A promise, and the way to resolve it from outside. */
function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

describe('the answer of a direct call', () => {
  it('is sent with a generated id, a key of its own, and nothing of the caller but what it asked', async () => {
    await register('a', a);
    const { body } = await route(
      { task_id: '', params: { x: [1] }, confirmed: false },
      { 'x-forwarded-for': '1.2.3.4', cookie: 'c=1' },
    );
    expect(body.task_id).toMatch(/^task-[0-9a-f]{12}$/);
    expect(a.seen[0]).toMatchObject({ task_id: body.task_id, params: { x: [1] }, confirmed: false });
    const [sent] = a.requests.filter(({ path }) => path === '/action');
    expect(sent?.headers).toMatchObject({ authorization: 'Bearer gateway-secret' });
    for (const name of ['x-api-key', 'x-forwarded-for', 'cookie'])
      expect(sent?.headers).not.toHaveProperty(name);
  });

  it.each([
    [{ status: 'ok', result: { returncode: 0 } }, 'ok'],
    [{ status: 'success', result: { returncode: 3 } }, 'success'],
    [{ status: 'error', error: 'denied' }, 'error'],
    [{ result: { returncode: 0 } }, 'unknown'],
  ])('is what the gateway said: %j is shown as %s', async (answer, status) => {
    await register('a', a);
    a.script.push({ kind: 'execute', answer });
    expect(await route()).toMatchObject({ status: 200, body: { status, result: answer } });
  });

  it.each([
    [
      'a refusal',
      { kind: 'answer', status: 403, body: { error: 'not you' } },
      502,
      'Gateway a execution failed: not you',
    ],
    [
      'an agent that is away',
      { kind: 'answer', status: 503, body: { error: 'No agent connected.' } },
      503,
      'Gateway a is online but has no connected agent',
    ],
    [
      'a redirect',
      { kind: 'answer', status: 302, body: '', headers: { location: '/elsewhere' } },
      502,
      'Gateway a execution failed: HTTP 302',
    ],
  ] as const)('to %s is the text that clients know', async (_, behaviour, status, detail) => {
    await register('a', a);
    a.script.push(behaviour);
    expect(await route()).toMatchObject({ status, body: { detail } });
    expect(a.requests.some(({ path }) => path === '/elsewhere')).toBe(false);
  });

  it('is read to 4 MiB and no further', async () => {
    await register('a', a);
    a.otherwise = { kind: 'answer', status: 200, body: `"${'x'.repeat(5 * 1_048_576)}"` };
    const { status, body } = await route();
    expect(status).toBeGreaterThanOrEqual(502);
    expect(body.detail).toContain('larger than 4194304 bytes');
  });
});

describe('a direct call whose outcome is unknown', () => {
  it('is asked for again with the same key, and runs once', async () => {
    await register('a', a);
    a.script.push({ kind: 'execute-and-drop' });
    expect(await route()).toMatchObject({ status: 200, body: { result: { idempotent_replay: true } } });
    expect([...a.executions.values()]).toEqual([1]);
    expect(new Set(a.seen.map((seen) => seen.idempotency_key)).size).toBe(1);
  });

  it('survives a gateway that dies under it and comes back', async () => {
    await register('a', a);
    a.script.push({ kind: 'execute-and-drop' });
    const answer = route();
    await a.until((it) => it.executions.size === 1);
    await a.close();
    await a.open();
    expect(await answer).toMatchObject({ status: 200, body: { result: { idempotent_replay: true } } });
    expect([...a.executions.values()]).toEqual([1]);
  });

  it('is never asked of another gateway under the same idempotency key', async () => {
    await register('a', a);
    await register('b', b);
    a.otherwise = b.otherwise = { kind: 'execute-and-drop' };
    const key = { 'x-idempotency-key': 'push-once' };
    expect((await route({}, key)).status).toBe(503);
    const [asked, other] = a.seen.length > 0 ? [a, b] : [b, a];
    await asked.close();
    other.otherwise = { kind: 'execute' };
    const again = await route({}, key);
    expect(other.seen).toEqual([]);
    expect(again.status).toBe(503);
    expect(again.body.detail).toMatch(/^Gateway [ab] unreachable: /);
    asked.otherwise = { kind: 'execute' };
    await asked.open();
    await asked.until((it) => it.requests.at(-1)?.path === '/status');
    let last = again;
    for (let n = 0; n < 100 && last.status !== 200; n++) last = await route({}, key);
    expect(last).toMatchObject({ status: 200, body: { result: { idempotent_replay: true } } });
    expect([...asked.executions.values()]).toEqual([1]);
    expect(other.executions.size).toBe(0);
  });
});

describe('a direct call that was refused after its outcome was unknown', () => {
  it('stays with its gateway, although this attempt did not run', async () => {
    const slow = await startTestControlPlane({ env: { SKYNET_GATEWAY_PROBE_SECS: '3600' } });
    try {
      await slow.post('/v1/register-gateway', { gateway_id: 'a', host: a.url });
      a.otherwise = { kind: 'execute-and-drop' };
      const key = { 'x-idempotency-key': 'refused-later' };
      const push = () => slow.post('/v1/route-task', { action: 'git_status' }, key);
      expect((await push()).status).toBe(503);
      await slow.query(`update gateways set status = 'online'`);
      await a.close();
      expect((await push()).status).toBe(503);
      await slow.post('/v1/register-gateway', { gateway_id: 'b', host: b.url });
      expect((await push()).body.detail).toMatch(/^Gateway a /);
      expect(b.seen).toEqual([]);
      await a.open();
      a.otherwise = { kind: 'execute' };
      await slow.query(`update gateways set status = 'online'`);
      expect((await push()).body.result.idempotent_replay).toBe(true);
    } finally {
      await slow.close();
    }
  });
});

describe('the gateway of a direct call', () => {
  it('is the preferred one, else another, unless the wish is strict', async () => {
    await register('a', a);
    await register('b', b, { status: 'maintenance' });
    expect((await route({ gateway_id: 'a' })).body.gateway_id).toBe('a');
    expect((await route({ gateway_id: 'b' })).body.gateway_id).toBe('a');
    expect(await route({ gateway_id: 'b', gateway_strict: true })).toMatchObject({
      status: 503,
      body: { detail: 'No healthy gateway available' },
    });
  });

  it('is the one with the fewest calls under way', async () => {
    await register('a', a);
    await register('b', b);
    const held = withResolvers();
    a.otherwise = b.otherwise = { kind: 'execute-slowly', release: held.promise };
    const calls = Array.from({ length: 10 }, () => route());
    await Promise.all([a.until((it) => it.seen.length === 5), b.until((it) => it.seen.length === 5)]);
    held.resolve();
    expect((await Promise.all(calls)).every(({ status }) => status === 200)).toBe(true);
  });

  it('is still available after a command that failed', async () => {
    await register('a', a);
    a.script.push({ kind: 'execute', answer: { status: 'success', result: { returncode: 1 } } });
    await route();
    const { body } = await api.fetch('/v1/system-state', authorized);
    expect(body.gateways[0]).toMatchObject({ status: 'online', status_reason: '' });
  });
});
