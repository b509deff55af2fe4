import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { IdempotencyService } from '../../src/control-plane/idempotency/index.js';
import { type Reply, startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { ScriptableGateway, type SeenAction } from '../support/scriptable-gateway.js';

const statuses = (replies: readonly Reply[]) => [...new Set(replies.map((reply) => reply.status))];
const times = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, i) => make(i));
let fresh = 0;
const newKey = () => ({ 'x-idempotency-key': `key-${++fresh}` });

describe('a database that is too slow for what is asked of it', () => {
  let api: TestControlPlane;
  beforeAll(async () => (api = await startTestControlPlane({ env: { SKYNET_DB_POOL_SIZE: '2' } })));
  afterAll(() => api.close());

  it('lets nobody wait for longer than for a connection: 503, and the key may be used again', async () => {
    const slow = new pg.Client({ connectionString: api.databaseUrl });
    await slow.connect();
    await slow.query('begin; lock table idempotency_keys in access exclusive mode');
    const first = api.post('/v1/tasks/enqueue', { action: 'a' }, newKey());
    const key = newKey();
    const waited = await api.post('/v1/tasks/enqueue', { action: 'a' }, key);
    expect(waited).toMatchObject({
      status: 503,
      body: { detail: 'The database is not available; try again.' },
    });
    await slow.end();
    expect(await first).toMatchObject({ status: 200 });
    const again = await api.post('/v1/tasks/enqueue', { action: 'a' }, key);
    expect(again.status).toBe(200);
    expect(again.headers).not.toHaveProperty('idempotent-replay');
  });
});

describe('x-idempotency-key', () => {
  let api: TestControlPlane;
  let other: TestControlPlane;
  beforeAll(async () => {
    api = await startTestControlPlane();
    other = await startTestControlPlane({ databaseUrl: api.databaseUrl });
  });
  afterAll(async () => {
    await other.close();
    await api.close();
  });
  beforeEach(() => api.query('delete from tasks'));
  const count = async () => Number((await api.query<{ n: string }>('select count(*) as n from tasks'))[0]?.n);

  it('makes a repeated request happen once, and says which answer is a repetition', async () => {
    const key = newKey();
    const body = { action: 'a', params: { b: 1, a: [1, { d: 1, c: 2 }] } };
    const first = await api.post('/v1/tasks/enqueue', body, key);
    const again = await api.post(
      '/v1/tasks/enqueue/',
      '{"params":{"a":[1,{"c":2,"d":1}],"b":1},"action":"a"}',
      key,
    );
    expect(again.text).toBe(first.text);
    expect(first.headers).not.toHaveProperty('idempotent-replay');
    expect(again.headers['idempotent-replay']).toBe('true');
    expect(again.headers['access-control-expose-headers']).toContain('idempotent-replay');
    expect(await count()).toBe(1);
  });

  it('gives thirty duplicates on two replicas one answer and one task', async () => {
    const key = newKey();
    const replies = await Promise.all(
      times(30, (i) => (i % 2 ? api : other).post('/v1/tasks/enqueue', { action: 'a' }, key)),
    );
    expect(statuses(replies)).toEqual([200]);
    expect(new Set(replies.map((reply) => reply.text)).size).toBe(1);
    expect(replies.filter((reply) => reply.headers['idempotent-replay'] === undefined)).toHaveLength(1);
    expect(await count()).toBe(1);
  });

  it('refuses the key for another request on the same route, by the real path', async () => {
    const key = newKey();
    await api.post('/v1/tasks/enqueue', { action: 'a', task_id: 'one' }, key);
    const reused = await api.post('/v1/tasks/enqueue', { action: 'b' }, key);
    expect(reused).toMatchObject({
      status: 409,
      body: { detail: 'idempotency key reuse conflict for route /v1/tasks/enqueue' },
    });
    await api.post('/v1/tasks/one/cancel', {}, key);
    const document = await api.post('/v1/tasks/one/cancel', { reason: 'x' }, key);
    expect(document.body).toMatchObject({
      type: 'urn:skynet:problem:idempotency-conflict',
      detail: 'idempotency key reuse conflict for route /v1/tasks/one/cancel',
    });
  });

  it('keeps apart callers, routes and ids', async () => {
    const key = newKey();
    const as = (caller: string) => ({ ...key, 'x-api-key': caller });
    const one = await api.post('/v1/tasks/enqueue', { action: 'a' }, as('alice'));
    const two = await api.post('/v1/tasks/enqueue', { action: 'b' }, as('bob'));
    expect(statuses([one, two])).toEqual([200]);
    const ids = [one, two].map((reply) => reply.body.task.id as string);
    for (const id of ids) {
      expect((await api.post(`/v1/tasks/${id}/cancel`, { reason: id }, as('alice'))).status).toBe(200);
    }
  });

  it('stores no failure: the same key works once the request can', async () => {
    const key = newKey();
    const child = { action: 'a', dependencies: ['parent'] };
    expect((await api.post('/v1/tasks/enqueue', child, key)).status).toBe(400);
    await api.post('/v1/tasks/enqueue', { action: 'a', task_id: 'parent' });
    expect((await api.post('/v1/tasks/enqueue', child, key)).status).toBe(200);
    const mended = newKey();
    expect((await api.post('/v1/tasks/enqueue', { action: 'a', dependencies: ['no'] }, mended)).status).toBe(
      400,
    );
    expect((await api.post('/v1/tasks/enqueue', { action: 'a' }, mended)).status).toBe(200);
  });

  it('keeps no key of a change that was not committed', async () => {
    const { n } = (await api.query<{ n: string }>('select count(*) as n from idempotency_keys'))[0] ?? {};
    await api.post('/v1/tasks/none/start', { worker_id: 'w', claim_token: 'x' }, newKey());
    const after = await api.query<{ n: string }>('select count(*) as n from idempotency_keys');
    expect(after[0]?.n).toBe(n);
  });

  it('forgets an expired answer, and prunes it', async () => {
    const key = newKey();
    const first = await api.post('/v1/tasks/enqueue', { action: 'a' }, key);
    await api.query(`update idempotency_keys set expires_at = now() - interval '1 second'`);
    const second = await api.post('/v1/tasks/enqueue', { action: 'quite another' }, key);
    expect(second.status).toBe(200);
    expect(second.body.task.id).not.toBe(first.body.task.id);
    expect((await api.post('/v1/tasks/enqueue', { action: 'quite another' }, key)).text).toBe(second.text);
    await api.query('delete from idempotency_keys');
    for (let i = 0; i < 3; i++) await api.post('/v1/tasks/enqueue', { action: 'a' }, newKey());
    await api.query(`update idempotency_keys set expires_at = now() - interval '1 second'`);
    await api.post('/v1/tasks/enqueue', { action: 'a' }, newKey());
    const service = api.get(IdempotencyService);
    expect([await service.prune(2), await service.prune(2), await service.prune(2)]).toEqual([2, 1, 0]);
  });

  it('refuses a key that is too long, and takes an empty one for none', async () => {
    const long = await api.post(
      '/v1/tasks/enqueue',
      { action: 'a' },
      { 'x-idempotency-key': 'k'.repeat(256) },
    );
    expect(long).toMatchObject({
      status: 400,
      body: { detail: 'x-idempotency-key must have at most 255 characters' },
    });
    for (let i = 0; i < 2; i++) {
      await api.post('/v1/tasks/enqueue', { action: 'a' }, { 'x-idempotency-key': ' ' });
    }
    expect(await count()).toBe(2);
  });

  it('replays a claim while its lease is held, and claims anew once it is not', async () => {
    await api.post('/v1/tasks/enqueue', { action: 'a', task_id: 'x', lease_seconds: 60 });
    await api.post('/v1/tasks/enqueue', { action: 'a', task_id: 'y' });
    const key = newKey();
    const claim = () => api.post('/v1/tasks/claim', { worker_id: 'w' }, key);
    const first = await claim();
    expect(first.body.task.id).toBe('x');
    expect((await claim()).text).toBe(first.text);
    const proof = { worker_id: 'w', claim_token: first.body.task.claim_token as string };
    await api.post('/v1/tasks/x/release', { ...proof, back_to_pending: false });
    const second = await claim();
    expect(second.body.task.id).toBe('y');
    expect(second.headers).not.toHaveProperty('idempotent-replay');
    expect((await claim()).text).toBe(second.text);
  });

  it('does not take "nothing to do" for the answer of a key', async () => {
    const key = newKey();
    const claim = () => api.post('/v1/tasks/claim', { worker_id: 'w' }, key);
    expect((await claim()).body).toEqual({ claimed: false, task: null });
    await api.post('/v1/tasks/enqueue', { action: 'a' });
    expect((await claim()).body.claimed).toBe(true);
  });

  it('does not starve when more keyed requests come than the pool has connections', async () => {
    await Promise.all(times(40, (i) => api.post('/v1/tasks/enqueue', { action: 'a', task_id: `p${i}` })));
    const replies = await Promise.all(
      times(40, (i) => [
        api.post('/v1/tasks/enqueue', { action: 'a', dependencies: [`p${i}`] }, newKey()),
        api.post('/v1/register-worker', { worker_id: `w${i}` }, newKey()),
        api.post('/v1/tasks/enqueue', { action: 'a', dependencies: [`p${i}`] }),
      ]).flat(),
    );
    expect(statuses(replies)).toEqual([200]);
  });

  it('leaves the key of a registration that failed to a mended one', async () => {
    const key = newKey();
    const register = (host: string) => api.post('/v1/register-gateway', { gateway_id: 'g', host }, key);
    expect((await register('ftp://x')).status).toBe(400);
    expect((await register('http://127.0.0.1:1')).status).toBe(200);
    expect((await register('http://127.0.0.1:2')).status).toBe(409);
  });
});

describe('x-idempotency-key on a direct call', () => {
  let api: TestControlPlane;
  let gateway: ScriptableGateway;
  beforeAll(async () => {
    gateway = await ScriptableGateway.start();
    api = await startTestControlPlane();
    await api.post('/v1/register-gateway', { gateway_id: 'g', host: gateway.url });
  });
  afterAll(async () => {
    await api.close();
    await gateway.close();
  });

  /** The execution keys under which the gateway was asked for a call with that note. */
  const keysOf = (note: string) =>
    gateway.seen
      .filter((request) => (request as SeenAction & { params: { note?: string } }).params.note === note)
      .map((request) => request.idempotency_key);
  const call = (note: string, key: Record<string, string>) =>
    api.post('/v1/route-task', { action: 'git_status', params: { note } }, key);

  it('sends repetitions under one execution key, and gives them one answer', async () => {
    const key = newKey();
    const replies = await Promise.all(times(4, () => call('one', key)));
    expect(statuses(replies)).toEqual([200]);
    expect(new Set(replies.map((reply) => reply.text)).size).toBe(1);
    const before = keysOf('one').length;
    expect((await call('one', key)).headers['idempotent-replay']).toBe('true');
    expect(keysOf('one')).toHaveLength(before);
    expect(new Set(keysOf('one')).size).toBe(1);
    expect(gateway.executions.get(keysOf('one')[0] ?? '')).toBe(1);
  });

  it('sends the same key again after a failure, and a new one for another request', async () => {
    const key = newKey();
    const refusal = { kind: 'answer', status: 403, body: { error: 'no' } } as const;
    gateway.script.push(refusal, refusal);
    expect((await call('refused', key)).status).toBe(502);
    expect((await call('refused', key)).status).toBe(502);
    expect(keysOf('refused')).toHaveLength(2);
    expect(new Set(keysOf('refused')).size).toBe(1);
    expect((await call('mended', key)).status).toBe(200);
    expect(keysOf('refused')).not.toContain(keysOf('mended')[0]);
    expect((await call('refused', key)).status).toBe(409);
  });

  it('refuses another request while the call is under way', async () => {
    const key = newKey();
    let release: () => void = () => undefined;
    gateway.script.push({
      kind: 'execute-slowly',
      release: new Promise((resolve) => (release = resolve)),
    });
    const first = call('slow', key);
    await gateway.until(() => keysOf('slow').length === 1);
    expect((await call('hasty', key)).status).toBe(409);
    release();
    expect((await first).status).toBe(200);
  });
});
