import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';

let api: TestControlPlane;
beforeAll(async () => (api = await startTestControlPlane()));
afterAll(() => api.close());
afterEach(() => api.query('truncate tasks, task_dependencies, file_locks, file_waits, events'));

interface View {
  readonly id: string;
  readonly status: string;
  readonly claim_token: string;
  readonly dependents: string[];
}
const enqueue = (...tasks: object[]) => api.post('/v1/tasks/batch', { tasks });
const plain = (count: number, more: object = {}) =>
  enqueue(...Array.from({ length: count }, (_, n) => ({ task_id: `t${n}`, action: 'a', ...more })));
const claim = async (more: object = {}) =>
  (await api.post('/v1/tasks/claim', { worker_id: 'w', max: 100, ...more })).body as {
    claimed: boolean;
    task: View | null;
    tasks: View[];
  };
const proofs = (tasks: readonly View[]) => tasks.map(({ id, claim_token }) => ({ task_id: id, claim_token }));
const statusOf = async (id: string) => (await api.fetch(`/v1/tasks/${id}`)).body.status as string;
const eventsOf = async (id: string): Promise<string[]> =>
  (await api.fetch(`/v1/events?task_id=${id}`)).body.events.map(
    (event: { event_type: string }) => event.event_type,
  );

describe('a graph that is handed in with one call', () => {
  it('may name its tasks in any order, and stands as if each had been handed in alone', async () => {
    await api.post('/v1/tasks/enqueue', { task_id: 'old', action: 'a' });
    const { status, body } = await enqueue(
      { task_id: 'd', action: 'a', dependencies: ['b', 'c', 'old'] },
      { task_id: 'b', action: 'a', dependencies: ['a'] },
      { task_id: 'c', action: 'a', dependencies: ['a'], params: { x: [1] }, priority: 3 },
      { task_id: 'a', action: 'a' },
    );
    expect(status).toBe(200);
    expect(body.tasks.map(({ id }: View) => id)).toEqual(['d', 'b', 'c', 'a']);
    for (const task of body.tasks) expect((await api.fetch(`/v1/tasks/${task.id}`)).body).toMatchObject(task);
    expect(Object.keys(body.tasks[0])).toEqual(['id', 'status', 'error', 'created_at', 'next_attempt_at']);
    expect((await api.fetch('/v1/tasks/a')).body).toMatchObject({ dependents: ['b', 'c'], params: {} });
    expect((await api.fetch('/v1/tasks/c')).body).toMatchObject({ params: { x: [1] }, priority: 3 });
    const order: string[] = [];
    for (
      let { tasks } = await claim({ start: true });
      tasks.length > 0;
      { tasks } = await claim({ start: true })
    ) {
      order.push(...tasks.map(({ id }) => id).sort());
      await api.post('/v1/tasks/complete', { worker_id: 'w', items: proofs(tasks) });
    }
    expect(order).toEqual(['a', 'old', 'b', 'c', 'd']);
  });

  it('fails at once where it stands on a task that has failed, down to the last', async () => {
    await api.post('/v1/tasks/enqueue', { task_id: 'bad', action: 'a' });
    await api.post('/v1/tasks/bad/cancel');
    const { body } = await enqueue(
      { task_id: 'x', action: 'a', dependencies: ['bad'] },
      { task_id: 'y', action: 'a', dependencies: ['x'] },
      { task_id: 'z', action: 'a' },
    );
    expect(body.tasks.map(({ status }: View) => status)).toEqual(['failed', 'failed', 'queued']);
    await api.post('/v1/tasks/bad/retry');
    expect([await statusOf('x'), await statusOf('y')]).toEqual(['queued', 'queued']);
  });

  it.each([
    [[{ task_id: 'a' }, { task_id: 'a' }], 400, "Task 'a' is in the batch twice."],
    [[{ task_id: 'a', dependencies: ['a'] }], 400, 'Task cannot depend on itself.'],
    [[{ task_id: 'taken' }], 400, "Task 'taken' already exists."],
    [[{ dependencies: ['n', 'a', 'm'] }, { task_id: 'a' }], 400, 'Dependency tasks not found: n, m'],
    [
      [
        { task_id: 'a', dependencies: ['b'] },
        { task_id: 'b', dependencies: ['c'] },
        { task_id: 'c', dependencies: ['a'] },
      ],
      400,
      "Tasks wait for each other: 'a' → 'b' → 'c' → 'a'.",
    ],
    [[], 422, 'tasks: Input must contain at least 1 elements'],
    [[{ action: 7 }], 422, 'action: Input should be a valid string'],
  ])('%j is refused whole: %i %s', async (tasks, status, detail) => {
    await api.post('/v1/tasks/enqueue', { task_id: 'taken', action: 'a' });
    const reply = await enqueue(
      { task_id: 'innocent', action: 'a' },
      ...tasks.map((task) => ({ action: 'a', ...task })),
    );
    if (tasks.length === 0) expect((await enqueue()).status).toBe(422);
    else {
      expect(reply.status).toBe(status);
      expect(reply.body.detail).toContain(detail.replace(/^.*?: (?=Input)/, ''));
      expect((await api.fetch('/v1/tasks/innocent')).status).toBe(404);
    }
  });

  it('says of which task something is wrong', async () => {
    const { body } = await enqueue(
      { action: 'a' },
      { action: 'a', required_files: ['x', '../y'], max_attempts: 0 },
    );
    expect(body.errors).toEqual([expect.objectContaining({ pointer: '#/tasks/1/max_attempts', in: 'body' })]);
    const files = await enqueue({ action: 'a' }, { action: 'a', required_files: ['x', '../y'] });
    expect(files.body.errors).toEqual([expect.objectContaining({ pointer: '#/tasks/1/required_files/1' })]);
  });

  it('shares files as tasks do that come one by one', async () => {
    await plain(5, { required_files: ['one.txt'] });
    const first = await claim();
    expect(first.tasks.map(({ id }) => id)).toEqual(['t0']);
    await api.post('/v1/tasks/start', { worker_id: 'w', items: proofs(first.tasks) });
    await api.post('/v1/tasks/complete', { worker_id: 'w', items: proofs(first.tasks) });
    expect((await claim()).tasks.map(({ id }) => id)).toEqual(['t1']);
  });

  it('happens once under an idempotency key', async () => {
    const key = { 'x-idempotency-key': 'graph' };
    const sent = { tasks: [{ action: 'a' }, { action: 'b' }] };
    const first = await api.post('/v1/tasks/batch', sent, key);
    expect((await api.post('/v1/tasks/batch', sent, key)).body).toEqual(first.body);
    expect((await api.fetch('/v1/tasks')).body.tasks).toHaveLength(2);
  });
});

describe('calls for many', () => {
  it('claim, start, renew and complete all, with a result for each item in its place', async () => {
    await plain(7);
    const { claimed, task, tasks } = await claim({ max: 5 });
    expect([claimed, task?.id, tasks.map(({ id }) => id)]).toEqual([
      true,
      't0',
      ['t0', 't1', 't2', 't3', 't4'],
    ]);
    const wrong = { task_id: 't2', claim_token: 'f'.repeat(32) };
    const unknown = { task_id: 'nobody', claim_token: 'x' };
    const items = [unknown, ...proofs(tasks).slice(0, 2), wrong, ...proofs(tasks).slice(3)];
    const ok = [false, true, true, false, true, true];
    for (const verb of ['start', 'renew', 'complete']) {
      const { status, body } = await api.post(`/v1/tasks/${verb}`, { worker_id: 'w', items });
      expect(status).toBe(200);
      expect(body.results.map((result: { ok: boolean }) => result.ok)).toEqual(ok);
      expect(body.results.map((result: { task_id: string }) => result.task_id)).toEqual(
        items.map(({ task_id }) => task_id),
      );
      expect(body.results[0].error).toMatch(/claim/);
      if (verb === 'renew') expect(body.results[1].lease_expires_at).toMatch(/\+00:00$/);
    }
    expect(await statusOf('t0')).toBe('succeeded');
    expect(await statusOf('t2')).toBe('claimed');
    expect(await eventsOf('t0')).toEqual(['enqueued', 'claimed', 'running', 'succeeded']);
  });

  it('of two items for one task let one through', async () => {
    await plain(1);
    const { tasks } = await claim({ start: true });
    const { body } = await api.post('/v1/tasks/complete', {
      worker_id: 'w',
      items: [...proofs(tasks), ...proofs(tasks)],
    });
    expect(body.results.map((result: { ok: boolean }) => result.ok)).toEqual([true, false]);
    expect(await eventsOf('t0')).toEqual(['enqueued', 'claimed', 'running', 'succeeded']);
  });

  it('record successes and failures side by side, and give back what is given back', async () => {
    await plain(4);
    const { tasks } = await claim({ start: true });
    const [a, b, c, d] = proofs(tasks);
    const ended = await api.post('/v1/tasks/complete', {
      worker_id: 'w',
      items: [
        { ...a, result: { n: 1 } },
        { ...b, success: false, error: 'broke' },
      ],
    });
    expect(ended.body.results).toEqual([
      { task_id: 't0', ok: true },
      { task_id: 't1', ok: true },
    ]);
    await api.post('/v1/tasks/release', {
      worker_id: 'w',
      items: [
        { ...c, reason: 'tired' },
        { ...d, back_to_pending: false },
      ],
    });
    expect(await Promise.all(['t0', 't1', 't2', 't3'].map(statusOf))).toEqual([
      ...['succeeded', 'failed', 'released', 'failed'],
    ]);
    expect((await api.fetch('/v1/tasks/t1')).body.error).toBe('broke');
  });

  it('started in the same step pass both states, in the log as well', async () => {
    await plain(2, { required_files: [] });
    await enqueue({ task_id: 'file', action: 'a', required_files: ['f'] });
    const { tasks } = await claim({ start: true });
    expect(tasks.map(({ status }) => status)).toEqual(['running', 'running', 'running']);
    expect(await eventsOf('t0')).toEqual(['enqueued', 'claimed', 'running']);
    expect(await eventsOf('file')).toEqual(['enqueued', 'claimed', 'running']);
  });
});

describe('limits of a batch', () => {
  it.each([
    ['/v1/tasks/batch', { tasks: Array(10_001).fill({ action: 'a' }) }, 'tasks'],
    [
      '/v1/tasks/start',
      { worker_id: 'w', items: Array(10_001).fill({ task_id: 't', claim_token: 'x' }) },
      'items',
    ],
    ['/v1/tasks/claim', { worker_id: 'w', max: 1_001 }, 'max'],
    ['/v1/tasks/claim', { worker_id: 'w', wait_ms: 60_001 }, 'wait_ms'],
  ])('%s refuses more', async (path, body, field) => {
    const { status, text } = await api.post(path, body);
    expect(status).toBe(422);
    expect(text).toContain(field);
  });

  it('lets thousands end badly in one call without a word about the database', async () => {
    const count = 3_000;
    await plain(count);
    const tasks: View[] = [];
    while (tasks.length < count) tasks.push(...(await claim({ max: 1_000 })).tasks);
    const half = proofs(tasks.slice(0, count / 2)).map((proof) => ({
      ...proof,
      success: false,
      error: 'no',
    }));
    const failed = await api.post('/v1/tasks/complete', { worker_id: 'w', items: half });
    const released = await api.post('/v1/tasks/release', {
      worker_id: 'w',
      items: proofs(tasks.slice(count / 2)),
    });
    for (const { status, body } of [failed, released]) {
      expect(status).toBe(200);
      expect(body.results.every((result: { ok: boolean }) => result.ok)).toBe(true);
    }
    expect([await statusOf('t0'), await statusOf(`t${count - 1}`)]).toEqual(['failed', 'released']);
  }, 60_000);

  it('repeats a claim of many under its key as long as one of them is held', async () => {
    await plain(3);
    const key = { 'x-idempotency-key': 'many' };
    const ask = async () => (await api.post('/v1/tasks/claim', { worker_id: 'w', max: 2 }, key)).body;
    const first = await ask();
    await api.post('/v1/tasks/t0/cancel');
    expect(await ask()).toEqual(first);
    await api.post('/v1/tasks/t1/cancel');
    expect((await ask()).task.id).toBe('t2');
  });
});
