import http from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';

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

describe('a completion that claims the next', () => {
  it('needs one round trip a task', async () => {
    await plain(3);
    let task = (await claim({ max: null, start: true })).task;
    const done: string[] = [];
    while (task !== null) {
      const { body } = await api.post(`/v1/tasks/${task.id}/complete`, {
        ...{ worker_id: 'w', claim_token: task.claim_token, claim_next: { start: true } },
      });
      expect(body.ok).toBe(true);
      done.push(task.id);
      task = body.next.task;
    }
    expect(done).toEqual(['t0', 't1', 't2']);
  });

  it('claims nothing when it is refused', async () => {
    await plain(1);
    const reply = await api.post('/v1/tasks/t0/complete', {
      ...{ worker_id: 'w', claim_token: 'no', claim_next: {} },
    });
    expect(reply.status).toBe(409);
    expect(await statusOf('t0')).toBe('queued');
  });

  it('takes and gives many in one call', async () => {
    await plain(5);
    const first = await claim({ max: 2, start: true });
    const { body } = await api.post('/v1/tasks/complete', {
      ...{ worker_id: 'w', items: proofs(first.tasks), claim_next: { max: 10, start: true } },
    });
    expect(body.next.tasks.map(({ id }: View) => id)).toEqual(['t2', 't3', 't4']);
  });
});

describe('a claim that waits', () => {
  it('gets what is handed in meanwhile, and is told when there is nothing in time', async () => {
    const begun = performance.now();
    expect(await claim({ wait_ms: 150 })).toMatchObject({ claimed: false, tasks: [] });
    expect(performance.now() - begun).toBeGreaterThanOrEqual(140);
    const waiting = claim({ wait_ms: 20_000 });
    await plain(1);
    expect((await waiting).task?.id).toBe('t0');
  });

  it('of many shares what comes, one each', async () => {
    const waiting = Array.from({ length: 20 }, (_, n) =>
      claim({ worker_id: `w${n}`, max: null, wait_ms: 20_000 }),
    );
    await plain(20);
    const got = (await Promise.all(waiting)).map(({ task }) => task?.id);
    expect(new Set(got).size).toBe(20);
  });

  it('keeps nothing when its caller hangs up', async () => {
    const { hostname, port } = new URL(api.url);
    const request = http.request({
      ...{ host: hostname, port, path: '/v1/tasks/claim', method: 'POST' },
      headers: { 'content-type': 'application/json' },
    });
    request.on('error', () => undefined);
    request.end(JSON.stringify({ worker_id: 'gone', wait_ms: 20_000 }));
    await eventually('the claim is on its way', () =>
      Promise.resolve(request.socket?.bytesWritten ? true : undefined),
    );
    request.destroy();
    await plain(1);
    const { task } = await claim({ wait_ms: 5_000 });
    expect(task?.id).toBe('t0');
    // Either it was never claimed for the one who left, or it was given back at once.
    const types = await eventsOf('t0');
    expect(
      types.filter((type) => type === 'claimed').length - types.filter((type) => type === 'released').length,
    ).toBe(1);
  });

  it('is answered when the server closes', async () => {
    const other = await startTestControlPlane();
    const waiting = other.post('/v1/tasks/claim', { worker_id: 'w', wait_ms: 30_000 });
    await other.fetch('/livez');
    const begun = performance.now();
    await Promise.all([other.close(), waiting.then(({ body }) => expect(body.claimed).toBe(false))]);
    expect(performance.now() - begun).toBeLessThan(6_000);
  });
});

describe('single calls that share statements', () => {
  it('never fail their neighbours', async () => {
    const replies = await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        api.post('/v1/tasks/enqueue', { action: 'a', task_id: `n${n % 40}` }),
      ),
    );
    expect(replies.map(({ status }) => status).sort()).toEqual([
      ...Array(40).fill(200),
      ...Array(20).fill(400),
    ]);
    const claims = await Promise.all(
      Array.from({ length: 50 }, (_, n) => api.post('/v1/tasks/claim', { worker_id: `w${n % 10}` })),
    );
    const tasks = claims.flatMap(({ body }) => (body.claimed ? [body.task] : []));
    expect(new Set(tasks.map(({ id }) => id)).size).toBe(40);
    const started = await Promise.all(
      tasks.flatMap((task) => [
        api.post(`/v1/tasks/${task.id}/start`, { worker_id: task.locked_by, claim_token: task.claim_token }),
        api.post(`/v1/tasks/${task.id}/start`, { worker_id: 'thief', claim_token: task.claim_token }),
      ]),
    );
    expect(started.map(({ status }) => status)).toEqual(tasks.flatMap(() => [200, 409]));
  });

  it('give each worker only what it may take', async () => {
    for (const [worker_id, capabilities, gateway_id] of [
      ['py', ['python'], null],
      ['js', ['node'], null],
      ['both', ['python', 'node'], null],
      ['at-g', ['node'], 'g'],
    ] as const) {
      await api.post('/v1/register-worker', { worker_id, capabilities, gateway_id });
    }
    await enqueue(
      ...Array.from({ length: 10 }, (_, n) => ({
        task_id: `p${n}`,
        action: 'a',
        required_capabilities: ['python'],
      })),
      ...Array.from({ length: 10 }, (_, n) => ({
        task_id: `n${n}`,
        action: 'a',
        required_capabilities: ['node'],
      })),
      ...Array.from({ length: 5 }, (_, n) => ({
        ...{
          task_id: `g${n}`,
          action: 'a',
          required_capabilities: ['node'],
          gateway_id: 'g',
          gateway_strict: true,
        },
      })),
    );
    const workers = ['py', 'js', 'both', 'at-g', 'stranger'];
    const got = new Map(workers.map((worker) => [worker, new Set<string>()]));
    for (let round = 0; round < 12; round++) {
      await Promise.all(
        [...workers, ...workers].map(async (worker_id) => {
          const { body } = await api.post('/v1/tasks/claim', { worker_id });
          if (body.claimed) {
            expect(body.task.locked_by).toBe(worker_id);
            got.get(worker_id)?.add(body.task.id[0]);
          }
        }),
      );
    }
    expect([...(got.get('py') ?? [])]).toEqual(['p']);
    expect([...(got.get('js') ?? [])]).toEqual(['n']);
    expect([...(got.get('stranger') ?? [])]).toEqual([]);
    expect([...(got.get('at-g') ?? [])].sort()).toEqual(['g', 'n']);
    const left = (await api.fetch('/v1/tasks?status=queued')).body.tasks;
    expect(left).toEqual([]);
  });
});
