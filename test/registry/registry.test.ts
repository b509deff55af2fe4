import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Reply, startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { ScriptableGateway } from '../support/scriptable-gateway.js';

let api: TestControlPlane;
let gateway: ScriptableGateway;
beforeAll(async () => (api = await startTestControlPlane({ env: { SKYNET_GATEWAY_PROBE_SECS: '0.2' } })));
afterAll(() => api.close());
beforeEach(async () => (gateway = await ScriptableGateway.start()));
afterEach(async () => {
  await gateway.close();
  await api.query('delete from gateways');
});

const state = async () => (await api.fetch('/v1/system-state')).body;
const statusBecomes = (wanted: string) =>
  eventually(`the gateway is ${wanted}`, async () =>
    (await state()).gateways[0]?.status === wanted ? true : undefined,
  );
const register = (more: object = {}) =>
  api.post('/v1/register-gateway', { gateway_id: 'g', host: `${gateway.url}/`, ...more });

describe('a gateway', () => {
  it('is looked at when it registers, and keeps what a new registration leaves empty', async () => {
    const first = (await register({ capabilities: ['a'], metadata: { x: 1 }, status: 'healthy' })).body;
    expect(first).toMatchObject({
      gateway_id: 'g',
      host: gateway.url,
      capabilities: ['a'],
      status: 'healthy',
      metadata: { x: 1 },
    });
    const second = (await register()).body;
    expect(second).toMatchObject({
      capabilities: ['a'],
      metadata: { x: 1 },
      status: 'online',
      registered_at: first.registered_at,
    });
  });

  it('goes and comes back by probes, to the status that it declared', async () => {
    await register({ status: 'healthy' });
    gateway.ready = false;
    await statusBecomes('degraded');
    await gateway.close();
    await statusBecomes('offline');
    gateway.ready = true;
    await gateway.open();
    await statusBecomes('healthy');
  });

  it('says how much it can take and does, and only what it says anew changes', async () => {
    expect((await register()).body).toMatchObject({ version: null, slots: null, load: null });
    expect((await register({ version: '1.2', slots: 4, load: 0 })).body).toMatchObject({
      version: '1.2',
      slots: 4,
      load: 0,
    });
    const beat = (body: object) => api.post('/v1/gateways/g/heartbeat', body);
    const { status, body } = await beat({ load: 3 });
    expect(status).toBe(200);
    expect(body).toMatchObject({ version: '1.2', slots: 4, load: 3, status: 'online' });
    expect((await register()).body).toMatchObject({ version: '1.2', slots: 4, load: 3 });
    for (const wrong of [{ slots: 0 }, { load: -1 }, { load: 1.5 }, { version: '' }, { status: '' }]) {
      expect((await beat(wrong)).status).toBe(422);
    }
    expect(await api.post('/v1/gateways/none/heartbeat')).toMatchObject({
      status: 404,
      body: { title: 'Gateway not found' },
    });
  });

  it('says goodbye by a heartbeat, and is looked at again when it speaks while it counts as away', async () => {
    await register();
    const beat = async (status?: string) => (await api.post('/v1/gateways/g/heartbeat', { status })).body;
    expect((await beat('offline')).status).toBe('offline');
    expect((await beat()).status).toBe('offline');
    expect((await beat('online')).status).toBe('online');
    await gateway.close();
    await statusBecomes('offline');
    // What it says of itself does not bring it back: a look does.
    expect(await beat('online')).toMatchObject({ status: 'offline' });
    await gateway.open();
    await beat();
    await statusBecomes('online');
  });

  it.each(['nonsense', 'ftp://x', 'http://169.254.169.254/', 'http://user@x/', 'http://x/#y'])(
    'may not live at %s',
    async (host) => {
      const { status, body } = await api.post('/v1/register-gateway', { gateway_id: 'bad', host });
      expect(status).toBe(400);
      expect(body.detail).toMatch(/^Invalid gateway host: /);
    },
  );
});

describe('a worker', () => {
  it('registers, keeps what it leaves empty, and has its gateway always replaced', async () => {
    await api.post('/v1/register-worker', {
      worker_id: 'w',
      gateway_id: 'g',
      capabilities: ['a'],
      capacity: { n: 1 },
    });
    const { body } = await api.post('/v1/register-worker', { worker_id: 'w', metadata: { name: 'x' } });
    expect(body).toMatchObject({
      gateway_id: null,
      capabilities: ['a'],
      capacity: { n: 1 },
      metadata: { name: 'x' },
      status: 'online',
    });
  });

  it('is seen by whatever it calls, and is offline when its heartbeat stops', async () => {
    const before = (await api.post('/v1/register-worker', { worker_id: 'h' })).body.last_heartbeat;
    await api.post('/v1/tasks/claim', { worker_id: 'h' });
    const worker = async () =>
      (await state()).workers.find((entry: { worker_id: string }) => entry.worker_id === 'h');
    expect((await worker()).last_heartbeat > before).toBe(true);
    await api.query(`update workers set last_heartbeat = now() - interval '2 minutes' where worker_id = 'h'`);
    expect((await worker()).status).toBe('online');
    expect((await api.post('/v1/workers/h/heartbeat', { status: 'busy' })).body.status).toBe('busy');
    await api.query(`update workers set last_heartbeat = now() - interval '2 minutes' where worker_id = 'h'`);
    expect((await worker()).status).toBe('offline');
    expect(await api.post('/v1/workers/none/heartbeat')).toMatchObject({
      status: 404,
      body: { title: 'Worker not found' },
    });
  });

  it('appears among the agents with what it holds, registered or not', async () => {
    for (const id of ['t1', 't2', 't3']) await api.post('/v1/tasks/enqueue', { task_id: id, action: 'x' });
    for (const worker_id of ['stranger', 'h', 'h']) await api.post('/v1/tasks/claim', { worker_id });
    const { body } = await api.fetch('/v1/agents');
    const [first, second] = body.agents;
    expect(first).toMatchObject({
      agent_id: 'h',
      active_task_id: 't2',
      active_task_status: 'claimed',
      active_task_action: 'x',
      active_task_ids: ['t2', 't3'],
    });
    expect(second).toMatchObject({ agent_id: 'stranger', status: 'unknown', active_task_ids: ['t1'] });
  });
});

describe('the lists', () => {
  /** All pages of a list, and how many there were. */
  async function pagesOf(path: string, limit: number): Promise<Reply['body'][]> {
    const pages: Reply['body'][] = [];
    for (let cursor: string | undefined; ; cursor = pages.at(-1)?.next_cursor) {
      const suffix = cursor === undefined ? '' : `&cursor=${cursor}`;
      const { status, body } = await api.fetch(`${path}?limit=${limit}${suffix}`);
      expect(status).toBe(200);
      pages.push(body);
      if (body.next_cursor === undefined) return pages;
    }
  }

  it('show everybody once, page by page, in the order of the whole', async () => {
    await api.query('truncate workers cascade');
    await api.query('truncate tasks cascade');
    await register();
    await register({ gateway_id: 'g2' });
    for (const n of [1, 2, 3, 4, 5, 6, 7]) await api.post('/v1/register-worker', { worker_id: `w${n}` });
    for (const id of ['t1', 't2', 't3']) await api.post('/v1/tasks/enqueue', { task_id: id, action: 'x' });
    for (const worker_id of ['w6', 'stranger', 'w2']) await api.post('/v1/tasks/claim', { worker_id });
    const whole = (await api.fetch('/v1/agents')).body.agents;
    expect(whole.map((agent: { agent_id: string }) => agent.agent_id)).toEqual([
      ...['w2', 'stranger', 'w6'],
      ...['w7', 'w5', 'w4', 'w3', 'w1'],
    ]);
    const state = (await api.fetch('/v1/system-state')).body;
    for (const limit of [1, 2, 3, 4, 7, 8]) {
      const agents = await pagesOf('/v1/agents', limit);
      expect(agents.flatMap((page) => page.agents)).toEqual(whole);
      expect(agents.every((page) => page.agents.length <= limit)).toBe(true);
      const states = await pagesOf('/v1/system-state', limit);
      expect(states.flatMap((page) => page.gateways)).toEqual(state.gateways);
      expect(states.flatMap((page) => page.workers)).toEqual(state.workers);
      expect(states.every((page) => page.gateway_count === 2 && page.worker_count === 7)).toBe(true);
    }
    expect((await api.fetch('/v1/agents?limit=0')).body).toEqual({ agents: [] });
  });

  it.each([
    'nonsense',
    'WyJ4IiwieSJd',
    'WyJ3b3JrZXJzIiwieCIsInkiXQ',
    'WyI5OTk5LTk5LTk5VDk5Ojk5Ojk5Ljk5OTk5OSswMDowMCIsInkiXQ',
  ])('refuse the cursor %s', async (cursor) => {
    expect((await api.fetch(`/v1/agents?cursor=${cursor}`)).status).toBe(422);
    expect((await api.fetch(`/v1/system-state?cursor=${cursor}`)).status).toBe(422);
  });
});

describe('a direct call', () => {
  const route = (more: object = {}, headers?: Record<string, string>) =>
    api.post('/v1/route-task', { action: 'git_status', ...more }, headers);

  it('goes to a gateway and brings its answer', async () => {
    await register();
    const { status, body } = await route({ task_id: 'mine', params: { a: 1 } });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      task_id: 'mine',
      gateway_id: 'g',
      gateway_host: gateway.url,
      status: 'success',
      result: { status: 'success' },
    });
    expect(gateway.seen[0]).toMatchObject({ task_id: 'mine', action: 'git_status' });
    expect(gateway.seen[0]?.idempotency_key).toMatch(/^[0-9a-f]{32}$/);
  });

  it('with an idempotency key is one execution, however often it is sent', async () => {
    await register();
    const key = { 'x-idempotency-key': 'direct' };
    const replies = await Promise.all([route({}, key), route({}, key), route({}, key)]);
    expect(new Set(replies.map((reply) => reply.body.task_id)).size).toBe(1);
    expect([...gateway.executions.values()]).toEqual([1]);
  });

  it('says why it cannot be made', async () => {
    expect(await route()).toMatchObject({ status: 503, body: { detail: 'No healthy gateway available' } });
    await register();
    gateway.script.push({ kind: 'answer', status: 400, body: { error: 'bad' } });
    expect(await route()).toMatchObject({ status: 502, body: { detail: 'Gateway g execution failed: bad' } });
    gateway.script.push({
      kind: 'answer',
      status: 503,
      body: { error: 'No agent connected.', outcome: 'not_executed' },
    });
    expect(await route()).toMatchObject({
      status: 503,
      body: { detail: 'Gateway g is online but has no connected agent' },
    });
    await gateway.close();
    const { status, body } = await route({ gateway_id: 'g', gateway_strict: true });
    expect(status).toBe(503);
    expect(body.detail).toMatch(/^Gateway g unreachable: .*(ECONNREFUSED|other side closed)/);
  });
});
