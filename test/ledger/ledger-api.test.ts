import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { JobLocksService } from '../../src/control-plane/ledger/index.js';
import { type Reply, startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';

let api: TestControlPlane;
beforeAll(async () => (api = await startTestControlPlane()));
afterAll(() => api.close());

const enqueue = (body: object, headers?: Record<string, string>) =>
  api.post('/v1/tasks/enqueue', { action: 'a', ...body }, headers);
async function claim(worker_id = 'w', more: object = {}) {
  const { body } = await api.post('/v1/tasks/claim', { worker_id, ...more });
  return body.task;
}
async function clear(): Promise<void> {
  for (let task = await claim('clear'); task !== null; task = await claim('clear')) {
    await api.post(`/v1/tasks/${task.id}/complete`, {
      worker_id: 'clear',
      claim_token: task.claim_token,
      success: false,
    });
  }
}

describe('enqueue', () => {
  it('fills in the defaults and makes an id', async () => {
    const { body } = await enqueue({ task_id: '' });
    expect(body.task.id).toMatch(/^task-[0-9a-f]{12}$/);
    expect(body.task).toMatchObject({
      kind: 'action',
      status: 'queued',
      params: {},
      priority: 0,
      dependencies: [],
      dependents: [],
      required_files: [],
      required_capabilities: [],
      delivery: 'any',
      max_attempts: 5,
      attempts: 0,
      locked_by: null,
      locked_at: null,
      claim_token: null,
      gateway_id: null,
      result: {},
      error: '',
      completed_at: null,
    });
    expect(body.task.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/);
    await clear();
  });

  it('refuses what cannot be, in the words that clients know', async () => {
    await enqueue({ task_id: 'taken' });
    expect((await enqueue({ task_id: 'taken' })).body).toEqual({ detail: "Task 'taken' already exists." });
    expect((await enqueue({ task_id: 'self', dependencies: ['self'] })).body).toEqual({
      detail: 'Task cannot depend on itself.',
    });
    const missing = await enqueue({ dependencies: ['no-b', 'taken', 'no-a', ' no-b '] });
    expect(missing).toMatchObject({
      status: 400,
      body: { detail: 'Dependency tasks not found: no-b, no-a' },
    });
    expect((await enqueue({ required_files: ['ok', '../out'] })).body.detail[0].loc).toEqual([
      'body',
      'required_files',
      1,
    ]);
    await clear();
  });

  it('shows dependents, trims lists, and drops doubles', async () => {
    await enqueue({ task_id: 'parent' });
    const { body } = await enqueue({
      task_id: 'child',
      dependencies: [' parent ', 'parent', ''],
      required_files: [' x ', './x', ''],
    });
    expect(body.task).toMatchObject({ dependencies: ['parent'], required_files: ['x'] });
    expect((await api.fetch('/v1/tasks/parent')).body.dependents).toEqual(['child']);
    await api.post('/v1/tasks/child/cancel');
    await clear();
  });
});

describe('an idempotency key', () => {
  it('gives 20 callers at once one task and one answer, and another request a 409', async () => {
    const key = { 'x-idempotency-key': 'once' };
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => enqueue({ params: { a: 1, b: 2 } }, key)),
    );
    expect(new Set(replies.map((reply) => reply.text)).size).toBe(1);
    expect(replies.every((reply) => reply.status === 200)).toBe(true);
    expect((await enqueue({ params: { b: 2, a: 1 } }, key)).body.task.id).toBe(replies[0]?.body.task.id);
    expect(await enqueue({ params: { a: 2 } }, key)).toMatchObject({
      status: 409,
      body: { detail: 'idempotency key reuse conflict for route /v1/tasks/enqueue' },
    });
    await clear();
  });

  it('forgets failures, and counts as new when it has expired', async () => {
    const key = { 'x-idempotency-key': 'later' };
    expect((await enqueue({ task_id: 'late', dependencies: ['late-parent'] }, key)).status).toBe(400);
    await enqueue({ task_id: 'late-parent' });
    expect((await enqueue({ task_id: 'late', dependencies: ['late-parent'] }, key)).status).toBe(200);
    await api.query(
      `update idempotency_keys set expires_at = now() - interval '1 second' where key = 'later'`,
    );
    expect((await enqueue({ task_id: 'other' }, key)).status).toBe(200);
    await api.post('/v1/tasks/late/cancel');
    await clear();
  });

  it('returns a claim again only while its lease is held', async () => {
    await enqueue({ task_id: 'c1', priority: 2 });
    await enqueue({ task_id: 'c2', priority: 1 });
    const again = () => api.post('/v1/tasks/claim', { worker_id: 'w' }, { 'x-idempotency-key': 'claim' });
    const first = await again();
    expect((await again()).body).toEqual(first.body);
    await api.post('/v1/tasks/c1/complete', {
      worker_id: 'w',
      claim_token: first.body.task.claim_token,
      success: false,
    });
    expect((await again()).body.task.id).toBe('c2');
    const { body } = await again();
    await api.post('/v1/tasks/c2/complete', {
      worker_id: 'w',
      claim_token: body.task.claim_token,
      success: false,
    });
  });
});

describe('reading', () => {
  it('pages through tasks, newest first, by state under its aliases too', async () => {
    for (let index = 0; index < 5; index++) await enqueue({ task_id: `page-${index}` });
    const seen: string[] = [];
    let cursor = '';
    do {
      const { body } = await api.fetch(
        `/v1/tasks?status=PENDING&limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      expect(body.tasks.length).toBeLessThanOrEqual(2);
      seen.push(...body.tasks.map((task: { id: string }) => task.id));
      cursor = body.next_cursor ?? '';
    } while (cursor !== '');
    expect(seen).toEqual([4, 3, 2, 1, 0].map((index) => `page-${index}`));
    expect((await api.fetch('/v1/tasks?status=nonsense')).body).toEqual({ tasks: [] });
    expect((await api.fetch('/v1/tasks?limit=0')).body).toEqual({ tasks: [] });
    expect((await api.fetch('/v1/tasks?kind=shell')).body).toEqual({ tasks: [] });
    expect(await api.fetch('/v1/tasks/none')).toMatchObject({
      status: 404,
      body: { detail: 'Task not found' },
    });
    await clear();
  });

  it('shows a claim token to the claimer and to nobody else', async () => {
    await enqueue({ task_id: 'secret', required_files: ['f'] });
    const task = await claim();
    expect(task.claim_token).toMatch(/^[0-9a-f]{32}$/);
    const places = [
      (await api.fetch('/v1/tasks/secret')).text,
      (await api.fetch('/v1/tasks')).text,
      (await api.fetch('/v1/events?task_id=secret')).text,
      (await api.fetch('/v1/files/ownership')).text,
      (await api.fetch('/v1/agents')).text,
    ];
    expect(places.filter((text) => text.includes(task.claim_token))).toEqual([]);
    expect((await api.fetch('/v1/files/ownership')).body.ownership).toMatchObject([
      { file_path: 'f', owning_task: 'secret', claim_token: null },
    ]);
    const open = await startTestControlPlane({
      databaseUrl: api.databaseUrl,
      env: { SKYNET_REDACT_CLAIM_TOKENS: '0' },
    });
    expect((await open.fetch('/v1/tasks/secret')).body.claim_token).toBe(task.claim_token);
    await open.close();
    await api.post('/v1/tasks/secret/complete', {
      worker_id: 'w',
      claim_token: task.claim_token,
      success: false,
    });
  });

  it('tells what a claim would take, and takes nothing', async () => {
    expect((await api.fetch('/v1/tasks/next?agent_id=w')).body).toEqual({
      eligible: false,
      agent_id: 'w',
      task: null,
    });
    await enqueue({ task_id: 'next' });
    expect((await api.fetch('/v1/tasks/next?agent_id=w')).body).toMatchObject({
      eligible: true,
      task: { id: 'next', status: 'queued' },
    });
    await clear();
  });

  it('follows the log without a gap while writers race and one is slow', async () => {
    const start = (await api.fetch('/v1/events?after=&limit=1000')).body;
    let position = start.position as string;
    let next = start.next_cursor as string | undefined;
    while (next !== undefined) {
      const { body } = await api.fetch(`/v1/events?limit=1000&after=${next}`);
      [position, next] = [body.position, body.next_cursor];
    }
    let finish!: () => void;
    const hold = new Promise<void>((done) => (finish = done));
    const slow = api.database.transaction(async (tx) => {
      await tx.query({
        name: 'test.slow',
        text: `insert into events (task_id, task_version, event_type) values ('slow', 1, 'enqueued')`,
      });
      await hold;
    });
    await Promise.all(Array.from({ length: 20 }, (_, index) => enqueue({ task_id: `log-${index}` })));
    const early = (await api.fetch(`/v1/events?after=${position}`)).body;
    finish();
    await slow;
    // The horizon is that of the whole server: another database's transactions may hold it back for a moment.
    // For the same reason events of earlier tests may still come.
    const ours = (body: Reply['body']): string[] =>
      body.events
        .map((event: { task_id: string }) => event.task_id)
        .filter((id: string) => /^(slow|log-\d+)$/.test(id));
    const all = ours(early);
    expect(all).not.toContain('slow');
    let at = early.position;
    await eventually('all have been read', async () => {
      const { body } = await api.fetch(`/v1/events?after=${at}`);
      at = body.position;
      all.push(...ours(body));
      return all.length >= 21 ? true : undefined;
    });
    expect(all.sort()).toEqual(['slow', ...Array.from({ length: 20 }, (_, index) => `log-${index}`)].sort());
    await clear();
  });

  it('filters events by instant, with a space where a plus was', async () => {
    const { body } = await api.fetch('/v1/events?limit=1');
    const [event] = body.events;
    const since = event.created_at.replace('+', ' ');
    expect(
      (await api.fetch(`/v1/events?since=${since}`)).body.events.map((row: { id: number }) => row.id),
    ).toContain(event.id);
    expect((await api.fetch('/v1/events?since=2999-01-01')).body.events).toEqual([]);
    expect((await api.fetch(`/v1/events?after_id=${event.id}`)).body.events).toEqual([]);
  });
});

describe('claims', () => {
  it('honour capabilities, given or registered, and delivery', async () => {
    await enqueue({ task_id: 'gpu', required_capabilities: ['gpu', 'cuda'] });
    await enqueue({ task_id: 'push', delivery: 'push' });
    expect(await claim('nobody')).toBeNull();
    expect(await claim('nobody', { capabilities: ['gpu'] })).toBeNull();
    await api.post('/v1/register-worker', { worker_id: 'able', capabilities: ['gpu', 'cuda', 'x'] });
    const task = await claim('able');
    expect(task.id).toBe('gpu');
    await api.post('/v1/tasks/gpu/complete', {
      worker_id: 'able',
      claim_token: task.claim_token,
      success: false,
    });
    await api.post('/v1/tasks/push/cancel');
  });

  it('leave a task that is bound to a gateway to that gateway and its workers', async () => {
    await enqueue({ task_id: 'bound', gateway_id: 'g1', gateway_strict: true });
    expect(await claim('stranger')).toBeNull();
    await api.post('/v1/register-worker', { worker_id: 'mate', gateway_id: 'g1' });
    const task = await claim('mate');
    expect(task.id).toBe('bound');
    await api.post('/v1/tasks/bound/complete', {
      worker_id: 'mate',
      claim_token: task.claim_token,
      success: false,
    });
  });

  it('renew without touching an index', async () => {
    await enqueue({ task_id: 'long' });
    const task = await claim();
    const proof = { worker_id: 'w', claim_token: task.claim_token };
    for (let turn = 0; turn < 20; turn++) {
      const { body } = await api.post('/v1/tasks/long/renew', proof);
      expect(body.lease_expires_at > task.lease_expires_at).toBe(true);
    }
    const hot = await eventually('statistics are written', async () => {
      const [row] = await api.query<{ hot: number }>(
        `select n_tup_hot_upd::int as hot from pg_stat_user_tables where relname = 'tasks'`,
      );
      return row && row.hot >= 19 ? row.hot : undefined;
    });
    expect(hot).toBeGreaterThanOrEqual(19);
    expect(
      (await api.post('/v1/tasks/long/complete', { ...proof, success: false, error: 'e'.repeat(3_000) }))
        .status,
    ).toBe(200);
    expect((await api.fetch('/v1/tasks/long')).body.error).toHaveLength(2_000);
  });

  it('are refused with a 409 for whoever does not hold the task, each in its words', async () => {
    const proof = { worker_id: 'w', claim_token: 'x' };
    const text = async (verb: string) => (await api.post(`/v1/tasks/none/${verb}`, proof)).body.detail;
    expect(await text('start')).toBe('Illegal transition or task claim mismatch');
    expect(await text('renew')).toBe('Illegal transition or task claim mismatch');
    expect(await text('complete')).toBe(
      'Task transition rejected (expected running state with matching claim)',
    );
    expect(await text('release')).toBe('Task transition rejected or claim mismatch');
    expect((await api.post('/v1/tasks/none/retry')).status).toBe(404);
    expect((await api.post('/v1/tasks/none/cancel')).status).toBe(404);
  });

  it('given back are ready again with the reason, given up have failed', async () => {
    await enqueue({ task_id: 'back' });
    const first = await claim();
    await api.post('/v1/tasks/back/release', {
      worker_id: 'w',
      claim_token: first.claim_token,
      reason: 'lunch',
    });
    expect((await api.fetch('/v1/tasks/back')).body).toMatchObject({
      status: 'released',
      error: 'lunch',
      locked_by: null,
    });
    const second = await claim();
    await api.post('/v1/tasks/back/release', {
      worker_id: 'w',
      claim_token: second.claim_token,
      back_to_pending: false,
    });
    expect((await api.fetch('/v1/tasks/back')).body).toMatchObject({ status: 'failed', attempts: 2 });
    const { body } = await api.fetch('/v1/events?task_id=back');
    expect(body.events.map((event: { message: string }) => event.message)).toEqual([
      'Task enqueued.',
      'Task claimed.',
      'lunch',
      'Task claimed.',
      'Task claim released.',
    ]);
  });
});

describe('job locks', () => {
  it('exclude, expire, extend and are not re-entrant', async () => {
    const locks = api.get(JobLocksService);
    expect(await locks.acquire('job', 'a')).toBe(true);
    expect(await locks.acquire('job', 'a')).toBe(false);
    expect(await locks.acquire('job', 'b')).toBe(false);
    expect(await locks.extend('job', 'b', 5)).toBe(false);
    expect(await locks.extend('job', 'a', 5)).toBe(true);
    expect(await locks.getLockOwner('job')).toBe('a');
    await api.query(`update job_locks set expires_at = now() - interval '1 second'`);
    expect(await locks.isLocked('job')).toBe(false);
    expect(await locks.extend('job', 'a', 5)).toBe(false);
    expect(await locks.acquire('job', 'b')).toBe(true);
    expect(await locks.release('job', 'a')).toBe(false);
    expect(await locks.release('job', 'b')).toBe(true);
    await locks.acquire('job', 'c', -1);
    expect(await locks.cleanup()).toBe(1);
  });
});
