import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { type Json } from '../support/json.js';
import { ended, hostRecord, jobRecord, serviceRecord } from './records.js';

let api: TestControlPlane;
let other: TestControlPlane;
beforeAll(async () => {
  const env = { SKYCLAW_COORDINATOR_NODE_ID: 'new-node' };
  api = await startTestControlPlane({ env });
  other = await startTestControlPlane({ env, databaseUrl: api.databaseUrl });
});
afterEach(() => api.query('truncate tasks, task_dependencies, workers, hosts, host_slots, imported_records'));
afterAll(async () => {
  await other.close();
  await api.close();
});

type Records = readonly Record<string, unknown>[];
const send = (jobs: Records, hosts: Records = [], more: object = {}, to = api) =>
  to.post('/v1/replicate/snapshot', { nodeId: 'old-node', hosts, jobs, ...more });
async function taken(jobs: Records, hosts: Records = []): Promise<boolean> {
  const { status, body } = await send(jobs, hosts);
  expect({ status, body }).toMatchObject({ status: 200, body: { ok: true, nodeId: 'new-node' } });
  return body.changed;
}
const jobOf = async (id: string) => (await api.fetch(`/v1/jobs/${id}`)).body.job;
/** Events show once all that began before them has ended, in other tests on this server as well. */
const expectEvents = (id: string, wanted: readonly string[]) =>
  eventually(`the events of ${id} are ${wanted.join(', ')}`, async () => {
    const { body } = await api.fetch(`/v1/events?task_id=${id}`);
    const told = body.events.map((event: Json) => `${event.event_type}: ${event.message}`);
    return isDeepStrictEqual(told, wanted) ? true : undefined;
  });

describe('a snapshot of another coordinator', () => {
  it('brings its jobs with their ids, times and results, and its hosts, offline until they are heard of', async () => {
    const jobs = [jobRecord('j1'), jobRecord('j2', ended('completed')), jobRecord('j3', ended('failed'))];
    expect(await taken(jobs, [hostRecord('h1')])).toBe(true);
    expect(await jobOf('j1')).toEqual({
      id: 'j1',
      payload: { kind: 'shell', command: 'echo', args: ['hi'], env: { SECRET: '***' } },
      requirement: { requiredCapabilities: ['shell'] },
      status: 'queued',
      priority: 0,
      dependencies: [],
      submittedBy: 'somebody',
      attempts: 0,
      createdAt: '2026-01-01T00:00:00.000Z',
      updatedAt: '2026-01-01T00:00:01.000Z',
      updatedBy: 'old-node',
      version: 11,
    });
    expect(await jobOf('j2')).toMatchObject({
      status: 'completed',
      assignedHostId: 'h1',
      version: 13,
      result: {
        finishedAt: '2026-01-01T00:01:00.000Z',
        durationMs: 13,
        exitCode: 0,
        stdout: 'out',
        stderr: '',
      },
    });
    expect(await jobOf('j3')).toMatchObject({ status: 'failed', error: 'it broke', result: { exitCode: 3 } });
    await expectEvents('j1', ['enqueued: Imported.']);
    await expectEvents('j2', ['enqueued: Imported.', 'succeeded: Task finished.']);
    await expectEvents('j3', ['enqueued: Imported.', 'failed: Task failed.']);
    expect((await api.fetch('/v1/hosts/h1')).body.host).toEqual({
      id: 'h1',
      name: 'host h1',
      capabilities: ['gpu', 'shell'],
      maxParallel: 2,
      activeLeases: 0,
      status: 'offline',
      registeredAt: '2025-12-01T00:00:00.000Z',
      lastSeenAt: '2026-01-02T03:04:05.678Z',
      version: 7,
      updatedBy: 'old-node',
    });
    const beat = await api.post('/v1/hosts/h1/heartbeat', {});
    expect(beat.body.host).toMatchObject({ status: 'online', registeredAt: '2025-12-01T00:00:00.000Z' });
    const { body } = await api.post('/v1/hosts/h1/claim');
    expect(body.job).toMatchObject({ id: 'j1', attempts: 1, payload: { env: { SECRET: 's' } } });
    expect((await api.fetch('/v1/state')).body.jobs.map(({ id }: Json) => id)).toEqual(['j1', 'j2', 'j3']);
  });

  it('shows a host offline that was heard of there a moment ago', async () => {
    await taken([], [hostRecord('h1', { lastSeenAt: new Date(Date.now() + 60_000).toISOString() })]);
    expect((await api.fetch('/v1/hosts/h1')).body.host.status).toBe('offline');
  });

  it('may be sent twice, on any replica and at once: the second changes nothing', async () => {
    const jobs = Array.from({ length: 50 }, (_, n) => jobRecord(`j${n}`));
    const answers = await Promise.all(
      [api, other, api, other].map((to) => send(jobs, [hostRecord('h1')], {}, to)),
    );
    expect(answers.map(({ body }) => body.changed).sort()).toEqual([false, false, false, true]);
    expect(await taken(jobs, [hostRecord('h1')])).toBe(false);
    await expectEvents('j7', ['enqueued: Imported.']);
  });

  it('replaces what was imported and left alone by what is newer: by version, time and writer', async () => {
    await taken([jobRecord('replaced')], [hostRecord('untouched')]);
    const older = jobRecord('replaced', { version: 10, updatedAt: '2027-01-01T00:00:00.000Z', priority: 9 });
    expect(await taken([older], [hostRecord('untouched', { version: 6, name: 'older' })])).toBe(false);
    const newer = jobRecord('replaced', {
      updatedAt: '2026-01-01T00:00:02.000Z',
      priority: 3,
      submittedBy: 'else',
    });
    expect(await taken([newer])).toBe(true);
    expect(await jobOf('replaced')).toMatchObject({ priority: 3, submittedBy: 'else', status: 'queued' });
    expect(await taken([{ ...newer, updatedBy: 'zz' }])).toBe(true);
    expect(await taken([{ ...newer, updatedBy: 'aa' }])).toBe(false);
    expect(await taken([jobRecord('replaced', ended('completed', { version: 20 }))])).toBe(true);
    expect(await jobOf('replaced')).toMatchObject({ status: 'completed', result: { stdout: 'out' } });
    await expectEvents('replaced', [
      'enqueued: Imported.',
      'enqueued: Imported anew.',
      'enqueued: Imported anew.',
      'enqueued: Imported anew.',
      'succeeded: Task finished.',
    ]);
    expect(await taken([], [hostRecord('untouched', { version: 8, name: 'renamed', maxParallel: 1 })])).toBe(
      true,
    );
    expect((await api.fetch('/v1/hosts/untouched')).body.host).toMatchObject({
      name: 'renamed',
      status: 'offline',
    });
  });

  it('never takes a job back behind its end', async () => {
    await taken([jobRecord('j1', ended('completed'))]);
    expect(await taken([jobRecord('j1', { version: 99 })])).toBe(false);
    expect(await jobOf('j1')).toMatchObject({ status: 'completed' });
    const again = ended('completed', { version: 99, result: undefined });
    expect(await taken([jobRecord('j1', again)])).toBe(true);
    expect(await jobOf('j1')).toMatchObject({ status: 'completed', version: 99 });
  });

  it('leaves alone what was made here, and what was changed here since', async () => {
    const { body: submitted } = await api.post('/v1/jobs', { payload: { kind: 'shell', command: 'native' } });
    await api.post('/v1/tasks/enqueue', { task_id: 'task', action: 'file_read' });
    await api.post('/v1/register-worker', { worker_id: 'w1' });
    await api.post('/v1/hosts/register', { hostId: 'native', name: 'native' });
    const native = submitted.job.id as string;
    const loud = { version: 1_000, status: 'completed' };
    const strangers = [
      jobRecord(native, ended('completed', loud)),
      jobRecord('task', ended('completed', loud)),
    ];
    expect(await taken(strangers, [hostRecord('w1'), hostRecord('native', { version: 1_000 })])).toBe(false);
    expect(await jobOf(native)).toMatchObject({ status: 'queued', payload: { command: 'native' } });

    await taken([jobRecord('claimed'), jobRecord('cancelled')], [hostRecord('h1'), hostRecord('h2')]);
    await api.post('/v1/hosts/h1/heartbeat', {});
    await api.post('/v1/hosts/h2/cordon', {});
    await api.post('/v1/hosts/h2/uncordon', {});
    expect((await api.post('/v1/hosts/h1/claim')).body.job.id).toBe('claimed');
    await api.post('/v1/jobs/cancelled/cancel', {});
    const newer = [jobRecord('claimed', ended('completed', loud)), jobRecord('cancelled', loud)];
    const hosts = [hostRecord('h1', { version: 1_000 }), hostRecord('h2', { version: 1_000 })];
    expect(await taken(newer, hosts)).toBe(false);
    expect(await jobOf('claimed')).toMatchObject({ status: 'leased' });
    expect(await jobOf('cancelled')).toMatchObject({ status: 'failed' });
  });

  it('queues a job that is leased there, lets its host report, and gives it to others only after that lease', async () => {
    const lease = (leaseExpiresAt: string) => ({
      status: 'leased',
      attempts: 1,
      assignedHostId: 'h1',
      leaseExpiresAt,
    });
    const soon = new Date(Date.now() + 30_000).toISOString();
    const jobs = [jobRecord('at-work', lease(soon)), jobRecord('lost', lease('2026-01-01T00:02:00.000Z'))];
    await taken(jobs, [hostRecord('h1'), hostRecord('h2')]);
    expect(await jobOf('at-work')).toMatchObject({ status: 'queued', attempts: 1 });
    expect(await jobOf('at-work')).not.toHaveProperty('leaseExpiresAt');
    expect((await api.post('/v1/hosts/h2/claim')).body.job).toMatchObject({ id: 'lost', attempts: 2 });
    expect((await api.post('/v1/hosts/h2/claim')).body.job).toBeNull();
    const report = { success: true, durationMs: 5, exitCode: 0, stdout: 'late', stderr: '' };
    const stranger = await api.post('/v1/jobs/at-work/complete', { hostId: 'h2', ...report });
    expect(stranger).toMatchObject({ status: 409 });
    const late = await api.post('/v1/jobs/at-work/complete', { hostId: 'h1', ...report });
    expect(late.body.job).toMatchObject({
      status: 'completed',
      result: { stdout: 'late' },
      assignedHostId: 'h1',
    });
  });

  it('makes a job claimable once the lease is over that it had there', async () => {
    const leaseExpiresAt = new Date(Date.now() + 1_500).toISOString();
    await taken(
      [jobRecord('j1', { status: 'leased', attempts: 1, assignedHostId: 'h9', leaseExpiresAt })],
      [hostRecord('h1')],
    );
    expect((await api.post('/v1/hosts/h1/claim', { wait_ms: 20_000 })).body.job).toMatchObject({ id: 'j1' });
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(leaseExpiresAt));
  });

  it('keeps dependencies: on jobs of the snapshot, and on those that are here', async () => {
    await taken([jobRecord('root')], [hostRecord('h1')]);
    const jobs = [
      jobRecord('leaf', { dependencies: ['middle', 'done', 'root'], createdAt: '2025-01-01T00:00:00.000Z' }),
      jobRecord('middle', { status: 'leased' }),
      jobRecord('done', ended('completed')),
      jobRecord('doomed', { dependencies: ['broken'] }),
      jobRecord('broken', ended('failed')),
    ];
    expect(await taken(jobs)).toBe(true);
    expect(await jobOf('leaf')).toMatchObject({ status: 'queued', dependencies: ['middle', 'done', 'root'] });
    expect(await jobOf('doomed')).toMatchObject({
      status: 'failed',
      error: "Dependency 'broken' ended failed.",
    });
    await api.post('/v1/hosts/h1/heartbeat', {});
    for (const id of ['root', 'middle', 'leaf']) {
      expect((await api.post('/v1/hosts/h1/claim')).body.job).toMatchObject({ id });
      await api.post(`/v1/jobs/${id}/complete`, { hostId: 'h1', success: true });
    }
    const stranded = await send([jobRecord('j', { dependencies: ['nowhere'] })]);
    expect(stranded).toMatchObject({
      status: 400,
      body: { error: 'job j waits for nowhere, which is neither in the snapshot nor here' },
    });
    const circle = await send([
      jobRecord('x', { dependencies: ['y'] }),
      jobRecord('y', { dependencies: ['x'] }),
    ]);
    expect(circle).toMatchObject({ status: 400, body: { error: 'jobs wait for each other: x → y → x' } });
  });

  it('tells those who wait here how a job ended there', async () => {
    await taken([jobRecord('good'), jobRecord('bad')], [hostRecord('h1')]);
    const waiting = { payload: { kind: 'shell', command: 'x' } };
    const { body: afterGood } = await api.post('/v1/jobs', { ...waiting, dependencies: ['good'] });
    const { body: afterBad } = await api.post('/v1/jobs', { ...waiting, dependencies: ['bad'] });
    await taken([
      jobRecord('good', ended('completed', { version: 50 })),
      jobRecord('bad', ended('failed', { version: 50 })),
    ]);
    expect(await jobOf(afterBad.job.id)).toMatchObject({ status: 'failed' });
    expect((await api.post('/v1/hosts/h1/claim')).body.job).toMatchObject({ id: afterGood.job.id });
    expect(await taken([jobRecord('good', ended('failed', { version: 60 }))])).toBe(false);
  });

  it('is imported whole or not at all; what is wrong names its place', async () => {
    const good = [jobRecord('j1'), jobRecord('j2')];
    const cases: readonly [unknown, string][] = [
      [[], 'body must be an object'],
      [{}, 'hosts is required'],
      [{ hosts: [] }, 'jobs is required'],
      [{ nodeId: 5, hosts: [], jobs: [] }, 'body.nodeId must be a text'],
      [{ hosts: {}, jobs: [] }, 'hosts must be a list'],
      [{ hosts: [1], jobs: [] }, 'hosts[0] must be an object'],
      [{ hosts: [hostRecord('')], jobs: good }, 'hosts[0].id is required'],
      [{ hosts: [hostRecord('h', { name: 3 })], jobs: good }, 'hosts[0].name must be a text'],
      [{ hosts: [hostRecord('h'), hostRecord('h')], jobs: good }, 'hosts[1].id is in the snapshot twice'],
      [
        { hosts: [hostRecord('h', { maxParallel: 0 })], jobs: good },
        'hosts[0].maxParallel must be a whole number',
      ],
      [
        { hosts: [], jobs: [...good, jobRecord('j3', { status: 'odd' })] },
        'jobs[2].status must be one of queued',
      ],
      [
        { hosts: [], jobs: [...good, jobRecord('j3', { createdAt: 'x' })] },
        'jobs[2].createdAt must be an instant',
      ],
      [
        { hosts: [], jobs: [...good, jobRecord('j3', ended('completed', { result: { finishedAt: 1 } }))] },
        'jobs[2].result.finishedAt must be an instant',
      ],
      [
        { hosts: [], jobs: good, services: [serviceRecord('s', { command: '' })] },
        'services[0].command is required',
      ],
    ];
    for (const [body, error] of cases) {
      const answer = await api.post('/v1/replicate/snapshot', body);
      expect(answer.status).toBe(400);
      expect(answer.body.error).toContain(error);
    }
    expect(await api.query('select from tasks')).toEqual([]);
    expect(await api.query('select from workers')).toEqual([]);
    const accepted = await send(good, [hostRecord('h')], { services: [serviceRecord('s')] });
    expect(accepted).toMatchObject({ status: 200, body: { changed: true } });
  });

  it('takes what has ended as it is, by whatever rules it was handed in', async () => {
    const past = (payload: unknown, more: object = {}) => ({ ...ended('completed', { payload }), ...more });
    const { body, status } = await send([
      jobRecord('quick', past({ kind: 'shell', command: 'x', timeoutMs: 500, env: { A: '***' } })),
      jobRecord('odd', past({ kind: 'python', code: 'print()' })),
      jobRecord('action', past({ kind: 'action', env: null })),
      jobRecord('nothing', {
        ...ended('failed'),
        payload: null,
        result: { finishedAt: '2026-01-01T00:01:00Z' },
      }),
    ]);
    expect({ status, body }).toMatchObject({ status: 200, body: { changed: true, remarks: [] } });
    expect(await jobOf('quick')).toMatchObject({
      status: 'completed',
      payload: { kind: 'shell', command: 'x', timeoutMs: 500, env: { A: '***' } },
    });
    expect(await jobOf('odd')).toMatchObject({
      status: 'completed',
      payload: { kind: 'python', code: 'print()' },
    });
    expect(await jobOf('action')).toMatchObject({ payload: { kind: 'action' } });
    expect(await jobOf('nothing')).toMatchObject({ status: 'failed', payload: {}, result: { exitCode: 1 } });
    // A SKYNET task is none of them.
    expect((await api.fetch('/v1/tasks?kind=action')).body.tasks).toEqual([]);
  });

  it('tells of waiting jobs that cannot run here, and takes all others', async () => {
    const bad = (id: string, payload: unknown) => jobRecord(id, { payload });
    const { body, status } = await send([
      jobRecord('good'),
      bad('none', null),
      bad('empty', { kind: 'shell' }),
      bad('quick', { kind: 'shell', command: 'x', timeoutMs: 500 }),
      bad('hidden', { kind: 'shell', command: 'x', env: { A: '***' } }),
      jobRecord('after', { dependencies: ['empty'] }),
      jobRecord('long-after', { dependencies: ['after', 'good'] }),
    ]);
    expect({ status, body }).toMatchObject({ status: 200, body: { changed: true, remarkCount: 6 } });
    const remarks = new Map(body.remarks.map(({ id, text }: Json) => [id, text]));
    expect(remarks.get('none')).toBe('left out: payload is required');
    expect(remarks.get('empty')).toBe('left out: payload.command is required');
    expect(remarks.get('quick')).toContain('left out: payload.timeoutMs must be');
    expect(remarks.get('hidden')).toContain('left out: payload.env hides the value of A');
    expect(remarks.get('after')).toBe('left out: it waits for empty, which was left out');
    expect(remarks.get('long-after')).toBe('left out: it waits for after, which was left out');
    expect((await api.query<{ id: string }>('select id from tasks')).map(({ id }) => id)).toEqual(['good']);
  });

  it('keeps outputs with characters that cannot be stored, and cuts those that are too long', async () => {
    const result = {
      finishedAt: '2026-01-01T00:01:00.000Z',
      durationMs: 1,
      exitCode: 0,
      stderr: '\u0000\ud800',
    };
    await taken([
      jobRecord('j1', ended('completed', { result: { ...result, stdout: 'x'.repeat(2_000_000) } })),
    ]);
    const { stdout, stderr } = (await jobOf('j1')).result;
    expect(stderr).toBe('\ufffd\ufffd');
    expect(stdout).toHaveLength(131_072);
    expect(stdout).toMatch(/\n\[output truncated\]\n$/);
  });

  it('may have 5,000 jobs, which are then claimed in the order in which they were made', async () => {
    const jobs = Array.from({ length: 5_000 }, (_, n) =>
      jobRecord(`j${n}`, {
        createdAt: new Date(Date.UTC(2026, 0, 1) - n * 1_000).toISOString(),
        ...(n % 5 === 0 ? {} : ended(n % 2 === 0 ? 'completed' : 'failed')),
      }),
    );
    expect(await taken(jobs, [hostRecord('h1', { maxParallel: 100 })])).toBe(true);
    expect(
      await api.query('select status, count(*)::int as n from tasks group by status order by status'),
    ).toEqual([
      { status: 'failed', n: 2_000 },
      { status: 'queued', n: 1_000 },
      { status: 'succeeded', n: 2_000 },
    ]);
    const claimed = [];
    for (let n = 0; n < 3; n++) claimed.push((await api.post('/v1/hosts/h1/claim')).body.job.id);
    expect(claimed).toEqual(['j4995', 'j4990', 'j4985']);
    expect(await taken(jobs.slice(0, 4_000))).toBe(false);
  });

  it('comes from GET /v1/state as well: what one control plane shows, another takes in', async () => {
    const source = await startTestControlPlane();
    try {
      await source.post('/v1/hosts/register', { hostId: 'h1', name: 'one' });
      await source.post('/v1/jobs', { payload: { kind: 'openclaw-run' }, priority: 4, ttlMs: 86_400_000 });
      const { body: state } = await source.fetch('/v1/state');
      expect((await api.post('/v1/replicate/snapshot', state)).body).toMatchObject({
        ok: true,
        changed: true,
      });
      const { body: copy } = await api.fetch('/v1/state');
      expect(copy.jobs).toEqual(state.jobs);
      expect(copy.hosts).toEqual([{ ...state.hosts[0], status: 'offline', lastSeenAt: expect.any(String) }]);
    } finally {
      await source.close();
    }
  });

  it('fails a job whose time to be started is over by now', async () => {
    await taken([jobRecord('j1', { ttlMs: 60_000 })]);
    await eventually('the job has failed', async () =>
      (await jobOf('j1')).status === 'failed' ? true : undefined,
    );
  });
});
