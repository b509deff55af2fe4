import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { ScriptableGateway } from '../support/scriptable-gateway.js';

const ENDED = ['succeeded', 'failed', 'failed_timeout'];
const SCHEDULING = {
  SKYNET_CONTROL_SCHEDULER_ENABLED: '1',
  SKYNET_CONTROL_SCHEDULER_POLL_SECS: '0.2',
  SKYNET_GATEWAY_PROBE_SECS: '0.2',
  SKYNET_STALE_LOCK_REAPER_ENABLED: '1',
  SKYNET_STALE_LOCK_REAPER_POLL_SECS: '0.2',
};

let gateway: ScriptableGateway;
let api: TestControlPlane;

beforeEach(async () => {
  gateway = await ScriptableGateway.start();
  api = await startTestControlPlane({ env: SCHEDULING });
});
afterEach(async () => {
  await api.close();
  await gateway.close();
});

async function register(more: object = {}): Promise<void> {
  const { body } = await api.post('/v1/register-gateway', { gateway_id: 'g', host: gateway.url, ...more });
  expect(body.status).toBe('online');
}

async function enqueue(id: string, more: object = {}): Promise<void> {
  const { status } = await api.post('/v1/tasks/enqueue', { task_id: id, action: 'git_status', ...more });
  expect(status).toBe(200);
}

function ended(id: string) {
  return eventually(`${id} has ended`, async () => {
    const { body } = await api.fetch(`/v1/tasks/${id}`);
    return ENDED.includes(body.status) ? body : undefined;
  });
}

async function eventTypes(id: string): Promise<string[]> {
  const { body } = await api.fetch(`/v1/events?task_id=${id}`);
  return body.events.map((event: { event_type: string }) => event.event_type);
}

/** A promise, and the way to resolve it from outside. */
function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

describe('the dispatcher', () => {
  it('tells the gateway what the task has leased', async () => {
    await register();
    await enqueue('t', {
      required_files: ['src/', 'a.txt'],
      read_files: ['docs/**'],
      files: [{ path: 'b.txt', mode: 'read' }],
    });
    await enqueue('none');
    await ended('t');
    await ended('none');
    const filesOf = (id: string) => gateway.seen.find((action) => action.task_id === id)?.files;
    expect(filesOf('t')).toHaveLength(4);
    expect(filesOf('t')).toEqual(
      expect.arrayContaining([
        { path: 'src/', mode: 'write' },
        { path: 'a.txt', mode: 'write' },
        { path: 'docs/**', mode: 'read' },
        { path: 'b.txt', mode: 'read' },
      ]),
    );
    expect(filesOf('none')).toBeUndefined();
  });

  it.each([
    ['succeeded', 0],
    ['failed', 1],
  ])('logs writes outside of the lease before the end of a task that %s', async (status, returncode) => {
    await register();
    const result = { returncode, stdout: '', stderr: '', lease_violations: ['b.txt', 'ü "x"'] };
    gateway.otherwise = {
      kind: 'execute',
      answer: { status: 'success', action: 'run_coding_agent', result },
    };
    // With files, and without: two ways to end.
    await enqueue('t', { required_files: ['a.txt'] });
    await enqueue('bare');
    for (const id of ['t', 'bare']) {
      expect(await ended(id)).toMatchObject({ status, result: { result } });
      const { body } = await api.fetch(`/v1/events?task_id=${id}`);
      const [strayed, end] = body.events.slice(-2);
      expect(strayed).toMatchObject({
        event_type: 'lease_violation',
        from_status: 'running',
        to_status: 'running',
        message: 'Written outside of the lease.',
        payload: { paths: ['b.txt', 'ü "x"'] },
      });
      expect(strayed.worker_id).toMatch(/^skynet-control-scheduler/);
      expect(end.event_type).toBe(status);
    }
    const { body } = await api.fetch('/v1/events?type=lease_violation');
    expect(body.events).toHaveLength(2);
  });

  it('sends a ready task with its key and lease number, and records the result', async () => {
    await register();
    await enqueue('t', { params: { working_dir: '/x' } });
    const task = await ended('t');
    expect(task).toMatchObject({
      status: 'succeeded',
      error: '',
      locked_by: null,
      dispatch_gateway_id: null,
    });
    expect(task.result).toMatchObject({ status: 'success', result: { stdout: 'done' } });
    expect(gateway.seen).toHaveLength(1);
    expect(gateway.seen[0]).toMatchObject({ action: 'git_status', task_id: 't', lease_number: 1 });
    expect(gateway.seen[0]?.idempotency_key).toMatch(/^[0-9a-f]{32}$/);
    expect(await eventTypes('t')).toEqual(['enqueued', 'claimed', 'running', 'succeeded']);
  });

  it('claims nothing while no gateway is usable, and begins when one comes back', async () => {
    gateway.ready = false;
    const { body } = await api.post('/v1/register-gateway', { gateway_id: 'g', host: gateway.url });
    expect(body.status).toBe('degraded');
    await enqueue('t');
    await eventually('some passes have gone by', async () => {
      const [row] = await api.query<{ n: number }>(
        `select count(*)::int as n from events where task_id = 't'`,
      );
      return row?.n === 1 ? true : undefined;
    });
    gateway.ready = true;
    expect((await ended('t')).status).toBe('succeeded');
    expect((await api.fetch('/v1/tasks/t')).body.attempts).toBe(1);
  });

  it.each([
    [
      'a non-zero exit code',
      { status: 'success', result: { returncode: 3 } },
      'Command failed with exit code 3',
    ],
    ['an error', { status: 'error', error: 'denied' }, 'denied'],
    ['another status', { status: 'odd' }, 'Gateway returned non-success status: odd'],
    ['no status', {}, 'Gateway returned non-success status: unknown'],
  ])('records %s as a failure', async (_what, answer, error) => {
    await register();
    gateway.otherwise = { kind: 'execute', answer };
    await enqueue('t');
    expect(await ended('t')).toMatchObject({ status: 'failed', error });
    const { body } = await api.fetch('/v1/system-state');
    expect(body.gateways[0].status).toBe('online');
  });

  it('sends the same key again until the outcome is known, and the action runs once', async () => {
    await register();
    gateway.script.push(
      { kind: 'execute-and-drop' },
      { kind: 'drop' },
      { kind: 'answer', status: 500, body: 'oops' },
    );
    await enqueue('t');
    expect((await ended('t')).status).toBe('succeeded');
    expect(new Set(gateway.seen.map((action) => action.idempotency_key)).size).toBe(1);
    expect([...gateway.executions.values()]).toEqual([1]);
    expect((await eventTypes('t')).filter((type) => type === 'succeeded')).toHaveLength(1);
  });

  it('asks a gateway that died after executing for the same execution when it is back', async () => {
    await register();
    const { promise, resolve: release } = withResolvers();
    gateway.script.push({ kind: 'execute-slowly', release: promise });
    await enqueue('t');
    await gateway.until(({ executions }) => executions.size === 1);
    await gateway.close();
    release();
    await gateway.open();
    expect((await ended('t')).status).toBe('succeeded');
    expect([...gateway.executions.values()]).toEqual([1]);
  });

  it('rests after a refusal that did not execute, and then tries with a new key', async () => {
    await register();
    gateway.script.push({
      kind: 'answer',
      status: 503,
      body: { error: 'No agent connected.', outcome: 'not_executed' },
    });
    await enqueue('t');
    const released = await eventually('it is released', async () => {
      const { body } = await api.fetch('/v1/tasks/t');
      return body.status === 'released' ? body : undefined;
    });
    expect(released.error).toBe(`Gateway execution failed (${gateway.url}): No agent connected.`);
    expect(released.next_attempt_at).not.toBeNull();
    await api.query(`update tasks set next_attempt_at = now() where id = 't'`);
    expect((await ended('t')).status).toBe('succeeded');
    expect(new Set(gateway.seen.map((action) => action.idempotency_key)).size).toBe(2);
  });

  it('gives up after the attempts that the task has', async () => {
    await register();
    gateway.otherwise = { kind: 'answer', status: 429, body: { error: 'busy' } };
    await enqueue('t', { max_attempts: 1 });
    expect(await ended('t')).toMatchObject({
      status: 'failed',
      error: `Gateway execution failed (${gateway.url}): busy`,
    });
  });

  it.each([
    [400, 'failed'],
    [404, 'failed'],
    [409, 'failed'],
  ])('takes HTTP %i for a definite refusal', async (status, state) => {
    await register();
    gateway.otherwise = { kind: 'answer', status, body: { error: 'no' } };
    await enqueue('t');
    expect(await ended('t')).toMatchObject({ status: state, error: 'no' });
    expect(gateway.seen).toHaveLength(1);
  });

  it('survives garbage and redirects without following them', async () => {
    await register();
    gateway.script.push({ kind: 'answer', status: 200, body: '<html>' });
    gateway.script.push({
      kind: 'answer',
      status: 302,
      body: {},
      headers: { location: 'http://169.254.169.254/' },
    });
    await enqueue('garbage');
    expect(await ended('garbage')).toMatchObject({ status: 'failed', error: 'HTTP 302' });
    expect(gateway.seen).toHaveLength(2);
  });

  it('renews its lease while the gateway works, longer than the lease', async () => {
    await register();
    const { promise, resolve: release } = withResolvers();
    gateway.script.push({ kind: 'execute-slowly', release: promise });
    await enqueue('t', { lease_seconds: 1 });
    await eventually('it was renewed twice', async () => {
      const [row] = await api.query<{ late: boolean }>(
        `select lease_expires_at > locked_at + interval '2.5 seconds' as late from tasks where id = 't'`,
      );
      return row?.late === true ? true : undefined;
    });
    release();
    expect(await ended('t')).toMatchObject({ status: 'succeeded', attempts: 1 });
  });

  it('drops the result of a task that was cancelled meanwhile', async () => {
    await register();
    const { promise, resolve: release } = withResolvers();
    gateway.script.push({ kind: 'execute-slowly', release: promise });
    await enqueue('t');
    await gateway.until(({ executions }) => executions.size === 1);
    expect((await api.post('/v1/tasks/t/cancel', { reason: 'enough' })).status).toBe(200);
    release();
    await enqueue('after');
    await ended('after');
    expect((await api.fetch('/v1/tasks/t')).body).toMatchObject({ status: 'failed', error: 'enough' });
  });

  it('keeps within what a gateway may run at once', async () => {
    await register();
    const { promise, resolve: release } = withResolvers();
    gateway.otherwise = { kind: 'execute-slowly', release: promise };
    for (let index = 0; index < 12; index++) await enqueue(`t${index}`);
    await gateway.until(({ seen }) => seen.length === 8);
    const { body } = await api.fetch('/v1/tasks?status=running');
    expect(body.tasks).toHaveLength(8);
    release();
    for (let index = 0; index < 12; index++) await ended(`t${index}`);
  });

  it('hears of a task that another replica took in, long before it polls', async () => {
    const env = { ...SCHEDULING, SKYNET_CONTROL_SCHEDULER_POLL_SECS: '600' };
    const far = await startTestControlPlane({ env });
    const near = await startTestControlPlane({ databaseUrl: far.databaseUrl });
    try {
      await far.post('/v1/register-gateway', { gateway_id: 'g', host: gateway.url });
      // LISTEN may still be under way: a first task shows that it is heard.
      for (let index = 0; gateway.seen.length === 0; index++) {
        await near.post('/v1/tasks/enqueue', { action: 'a', task_id: `first-${index}` });
        await far.query('select 1');
      }
      await near.post('/v1/tasks/enqueue', { action: 'a', task_id: 'heard' });
      await gateway.until(({ seen }) => seen.some((action) => action.task_id === 'heard'));
    } finally {
      await near.close();
      await far.close();
    }
  });

  it('does not read an answer that is too large', async () => {
    await register();
    gateway.script.push({ kind: 'answer', status: 200, body: 'x'.repeat(5 * 1_048_576) });
    await enqueue('large');
    expect((await ended('large')).status).toBe('succeeded');
    expect(new Set(gateway.seen.map((action) => action.idempotency_key)).size).toBe(1);
    expect(gateway.seen).toHaveLength(2);
  });

  it('leaves pull tasks to workers, and tasks that no gateway is capable of alone', async () => {
    await register({ capabilities: ['execute_task'] });
    await enqueue('pull', { delivery: 'pull' });
    await enqueue('gpu', { required_capabilities: ['gpu'] });
    await enqueue('elsewhere', { gateway_id: 'other', gateway_strict: true });
    await enqueue('fine', { required_capabilities: ['execute_task'], gateway_id: 'other' });
    expect((await ended('fine')).status).toBe('succeeded');
    expect(gateway.seen.map((action) => action.task_id)).toEqual(['fine']);
  });
});
