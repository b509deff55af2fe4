import { describe, expect, it } from '@jest/globals';
import { type Json } from '../support/json.js';
import { startTestControlPlane } from '../support/control-plane.js';
import { receivers } from './receivers.js';
import { ended, hostRecord, jobRecord } from './records.js';

const here = receivers();

describe('a snapshot of another coordinator', () => {
  it('brings its jobs with their ids, times and results, and its hosts, offline until they are heard of', async () => {
    const jobs = [jobRecord('j1'), jobRecord('j2', ended('completed')), jobRecord('j3', ended('failed'))];
    expect(await here.taken(jobs, [hostRecord('h1')])).toBe(true);
    expect(await here.jobOf('j1')).toEqual({
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
    expect(await here.jobOf('j2')).toMatchObject({
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
    expect(await here.jobOf('j3')).toMatchObject({
      status: 'failed',
      error: 'it broke',
      result: { exitCode: 3 },
    });
    await here.expectEvents('j1', ['enqueued: Imported.']);
    await here.expectEvents('j2', ['enqueued: Imported.', 'succeeded: Task finished.']);
    await here.expectEvents('j3', ['enqueued: Imported.', 'failed: Task failed.']);
    expect((await here.api.fetch('/v1/hosts/h1')).body.host).toEqual({
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
    const beat = await here.api.post('/v1/hosts/h1/heartbeat', {});
    expect(beat.body.host).toMatchObject({ status: 'online', registeredAt: '2025-12-01T00:00:00.000Z' });
    const { body } = await here.api.post('/v1/hosts/h1/claim');
    expect(body.job).toMatchObject({ id: 'j1', attempts: 1, payload: { env: { SECRET: 's' } } });
    expect((await here.api.fetch('/v1/state')).body.jobs.map(({ id }: Json) => id)).toEqual([
      'j1',
      'j2',
      'j3',
    ]);
  });

  it('shows a host offline that was heard of there a moment ago', async () => {
    await here.taken([], [hostRecord('h1', { lastSeenAt: new Date(Date.now() + 60_000).toISOString() })]);
    expect((await here.api.fetch('/v1/hosts/h1')).body.host.status).toBe('offline');
  });

  it('keeps dependencies: on jobs of the snapshot, and on those that are here', async () => {
    await here.taken([jobRecord('root')], [hostRecord('h1')]);
    const jobs = [
      jobRecord('leaf', { dependencies: ['middle', 'done', 'root'], createdAt: '2025-01-01T00:00:00.000Z' }),
      jobRecord('middle', { status: 'leased' }),
      jobRecord('done', ended('completed')),
      jobRecord('doomed', { dependencies: ['broken'] }),
      jobRecord('broken', ended('failed')),
    ];
    expect(await here.taken(jobs)).toBe(true);
    expect(await here.jobOf('leaf')).toMatchObject({
      status: 'queued',
      dependencies: ['middle', 'done', 'root'],
    });
    expect(await here.jobOf('doomed')).toMatchObject({
      status: 'failed',
      error: "Dependency 'broken' ended failed.",
    });
    await here.api.post('/v1/hosts/h1/heartbeat', {});
    for (const id of ['root', 'middle', 'leaf']) {
      expect((await here.api.post('/v1/hosts/h1/claim')).body.job).toMatchObject({ id });
      await here.api.post(`/v1/jobs/${id}/complete`, { hostId: 'h1', success: true });
    }
    const stranded = await here.send([jobRecord('j', { dependencies: ['nowhere'] })]);
    expect(stranded).toMatchObject({
      status: 400,
      body: { error: 'job j waits for nowhere, which is neither in the snapshot nor here' },
    });
    const circle = await here.send([
      jobRecord('x', { dependencies: ['y'] }),
      jobRecord('y', { dependencies: ['x'] }),
    ]);
    expect(circle).toMatchObject({ status: 400, body: { error: 'jobs wait for each other: x → y → x' } });
  });

  it('tells those who wait here how a job ended there', async () => {
    await here.taken([jobRecord('good'), jobRecord('bad')], [hostRecord('h1')]);
    const waiting = { payload: { kind: 'shell', command: 'x' } };
    const { body: afterGood } = await here.api.post('/v1/jobs', { ...waiting, dependencies: ['good'] });
    const { body: afterBad } = await here.api.post('/v1/jobs', { ...waiting, dependencies: ['bad'] });
    await here.taken([
      jobRecord('good', ended('completed', { version: 50 })),
      jobRecord('bad', ended('failed', { version: 50 })),
    ]);
    expect(await here.jobOf(afterBad.job.id)).toMatchObject({ status: 'failed' });
    expect((await here.api.post('/v1/hosts/h1/claim')).body.job).toMatchObject({ id: afterGood.job.id });
    expect(await here.taken([jobRecord('good', ended('failed', { version: 60 }))])).toBe(false);
  });

  it('keeps outputs with characters that cannot be stored, and cuts those that are too long', async () => {
    const result = {
      finishedAt: '2026-01-01T00:01:00.000Z',
      durationMs: 1,
      exitCode: 0,
      stderr: '\u0000\ud800',
    };
    await here.taken([
      jobRecord('j1', ended('completed', { result: { ...result, stdout: 'x'.repeat(2_000_000) } })),
    ]);
    const { stdout, stderr } = (await here.jobOf('j1')).result;
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
    expect(await here.taken(jobs, [hostRecord('h1', { maxParallel: 100 })])).toBe(true);
    expect(
      await here.api.query('select status, count(*)::int as n from tasks group by status order by status'),
    ).toEqual([
      { status: 'failed', n: 2_000 },
      { status: 'queued', n: 1_000 },
      { status: 'succeeded', n: 2_000 },
    ]);
    const claimed = [];
    for (let n = 0; n < 3; n++) claimed.push((await here.api.post('/v1/hosts/h1/claim')).body.job.id);
    expect(claimed).toEqual(['j4995', 'j4990', 'j4985']);
    expect(await here.taken(jobs.slice(0, 4_000))).toBe(false);
  });

  it('comes from GET /v1/state as well: what one control plane shows, another takes in', async () => {
    const source = await startTestControlPlane();
    try {
      await source.post('/v1/hosts/register', { hostId: 'h1', name: 'one' });
      await source.post('/v1/jobs', { payload: { kind: 'openclaw-run' }, priority: 4, ttlMs: 86_400_000 });
      const { body: state } = await source.fetch('/v1/state');
      expect((await here.api.post('/v1/replicate/snapshot', state)).body).toMatchObject({
        ok: true,
        changed: true,
      });
      const { body: copy } = await here.api.fetch('/v1/state');
      expect(copy.jobs).toEqual(state.jobs);
      expect(copy.hosts).toEqual([{ ...state.hosts[0], status: 'offline', lastSeenAt: expect.any(String) }]);
    } finally {
      await source.close();
    }
  });
});
