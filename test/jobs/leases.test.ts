import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { Caller, shell } from './fixture.js';

const FAST = {
  SKYNET_STALE_LOCK_REAPER_ENABLED: '1',
  SKYNET_STALE_LOCK_REAPER_POLL_SECS: '0.1',
  SKYCLAW_LEASE_MS: '60000',
  SKYCLAW_HOST_TIMEOUT_MS: '60000',
  SKYCLAW_JOB_MAX_ATTEMPTS: '2',
};

let api: TestControlPlane;
let caller: Caller;
beforeAll(async () => {
  api = await startTestControlPlane({ env: FAST });
  caller = new Caller(api);
});
afterAll(() => api.close());

const on = (capability: string) => ({
  payload: shell(),
  requirement: { requiredCapabilities: [capability] },
});
const expire = (id: string) =>
  api.query(`update tasks set lease_expires_at = now() - interval '1 second' where id = $1`, [id]);
const silence = (hostId: string) =>
  api.query(`update workers set last_heartbeat = now() - interval '1 hour' where worker_id = $1`, [hostId]);
const becomes = (id: string, status: string) =>
  eventually(`${id} is ${status}`, async () => {
    const job = await caller.job(id);
    return job.status === status ? job : undefined;
  });

describe('leases that have run out and are renewed all the same', () => {
  it('begin anew as far as the host has room beside what it was given meanwhile', async () => {
    const slow = await startTestControlPlane({ env: { ...FAST, SKYNET_STALE_LOCK_REAPER_ENABLED: '0' } });
    try {
      const own = new Caller(slow);
      await own.register('full', { maxParallel: 2 });
      for (let n = 0; n < 4; n++) await own.submit();
      const lapsed = [await own.claim('full'), await own.claim('full')].map((job) => job?.id ?? '');
      await slow.query(`update tasks set lease_expires_at = now() - interval '1 second' where id = any($1)`, [
        lapsed,
      ]);
      const fresh = await own.claim('full');
      await own.heartbeat('full', { activeJobs: [...lapsed, fresh?.id] });
      expect((await own.host('full'))['activeLeases']).toBe(2);
      await own.heartbeat('full', { activeJobs: [...lapsed, fresh?.id] });
      expect((await own.host('full'))['activeLeases']).toBe(2);
      expect(await own.claim('full')).toBeNull();
    } finally {
      await slow.close();
    }
  });
});

describe('a lease that runs out', () => {
  it('gives the job to the next attempt, as often as there are attempts', async () => {
    await caller.register('a', { capabilities: ['a'] });
    const { id } = await caller.submit(on('a'));
    expect((await caller.claim('a'))?.attempts).toBe(1);
    await expire(id);
    expect(await becomes(id, 'queued')).not.toHaveProperty('assignedHostId');
    expect((await caller.claim('a'))?.attempts).toBe(2);
    await expire(id);
    expect(await becomes(id, 'failed')).toMatchObject({ error: 'lease expired after 2 attempts' });
    expect((await api.fetch(`/v1/tasks/${id}`)).body.status).toBe('failed_timeout');
  });

  it('is renewed by a heartbeat, of all jobs or of those that are named, up to the limit of the job', async () => {
    await caller.register('b', { capabilities: ['b'], maxParallel: 3, defaultTimeoutMs: 5_000 });
    for (let n = 0; n < 3; n++) await caller.submit(on('b'));
    const jobs: string[] = [];
    for (let n = 0; n < 3; n++) jobs.push((await caller.claim('b'))?.id ?? '');
    const ends = async () => Promise.all(jobs.map(async (id) => (await caller.job(id)).leaseExpiresAt ?? ''));
    const shorten = () =>
      api.query(`update tasks set lease_expires_at = now() + interval '3 seconds' where holder = 'host'`);
    await shorten();
    const before = await ends();
    await caller.heartbeat('b', { activeJobs: [jobs[1]] });
    const named = await ends();
    expect(named.map((end, n) => end > (before[n] ?? ''))).toEqual([false, true, false]);
    await caller.heartbeat('b');
    expect((await ends()).map((end, n) => end > (before[n] ?? ''))).toEqual([true, true, true]);
    // The limit of 5 s and 30 s more, from the claim: less than a whole lease.
    const [{ limit }] = (await api.query<{ limit: string }>(
      `select extract(epoch from max(lease_expires_at - locked_at))::text as limit from tasks where holder = 'host'`,
    )) as [{ limit: string }];
    expect(Number(limit)).toBe(35);
    const [written] = await api.query(`select sum(version)::int as version from tasks`);
    await caller.heartbeat('b');
    expect(await api.query(`select sum(version)::int as version from tasks`)).toEqual([written]);
  });

  it('of 2 s does not end a job of 6 s whose host is alive', async () => {
    const short = await startTestControlPlane({ env: { ...FAST, SKYCLAW_LEASE_MS: '2000' } });
    try {
      const own = new Caller(short);
      await own.register('h', { maxParallel: 1 });
      const { id } = await own.submit();
      const job = await own.claim('h');
      const started = performance.now();
      let beats = 0;
      await eventually('6 s are over', async () => {
        if (performance.now() - started > beats * 500) {
          beats++;
          await own.heartbeat('h', { activeJobs: [id] });
        }
        return performance.now() - started > 6_000 ? true : undefined;
      });
      const done = await own.complete(id, { hostId: 'h', leaseToken: job?.leaseToken });
      expect(done.body.job).toMatchObject({ status: 'completed', attempts: 1 });
      const { body } = await short.fetch(`/v1/events?task_id=${id}`);
      expect(body.events.map(({ event_type }: { event_type: string }) => event_type)).toEqual([
        'enqueued',
        'claimed',
        'running',
        'succeeded',
      ]);
    } finally {
      await short.close();
    }
  });
});

describe('a late result', () => {
  it('is accepted while nobody else has the job', async () => {
    await caller.register('c', { capabilities: ['c'] });
    const { id } = await caller.submit(on('c'));
    const job = await caller.claim('c');
    await expire(id);
    await becomes(id, 'queued');
    const wrong = await caller.complete(id, { hostId: 'c', leaseToken: 'f'.repeat(32) });
    expect(wrong).toMatchObject({ status: 409, body: { error: `job ${id} is assigned to nobody` } });
    const late = await caller.complete(id, { hostId: 'c', leaseToken: job?.leaseToken, stdout: 'late' });
    expect(late).toMatchObject({ status: 200, body: { job: { status: 'completed', attempts: 1 } } });
    const { body } = await api.fetch(`/v1/events?task_id=${id}`);
    expect(body.events.map(({ to_status }: { to_status: string }) => to_status)).toEqual([
      'queued',
      'claimed',
      'running',
      'released',
      'claimed',
      'running',
      'succeeded',
    ]);
  });

  it('is dropped when another attempt has the job, and when the job was retried', async () => {
    await caller.register('d1', { capabilities: ['d'] });
    await caller.register('d2', { capabilities: ['d'] });
    const { id } = await caller.submit(on('d'));
    const first = await caller.claim('d1');
    await expire(id);
    await becomes(id, 'queued');
    await caller.claim('d2');
    for (const leaseToken of [first?.leaseToken, undefined]) {
      const late = await caller.complete(id, { hostId: 'd1', leaseToken });
      expect(late).toMatchObject({ status: 409, body: { error: `job ${id} is assigned to d2` } });
    }
    await caller.complete(id, { hostId: 'd2', success: false });
    await api.post(`/v1/tasks/${id}/retry`);
    const dead = await caller.complete(id, { hostId: 'd2' });
    expect(dead).toMatchObject({ status: 409, body: { error: `job ${id} is assigned to nobody` } });
  });
});

describe('a host', () => {
  it('that falls silent loses its jobs before their leases end, and is shown as offline', async () => {
    await caller.register('e', { capabilities: ['e'], maxParallel: 2 });
    const { id } = await caller.submit(on('e'));
    await caller.claim('e');
    await silence('e');
    await becomes(id, 'queued');
    expect((await caller.host('e')).status).toBe('offline');
    await caller.heartbeat('e');
    expect((await caller.host('e')).status).toBe('online');
    expect((await caller.claim('e'))?.attempts).toBe(2);
  });

  it('that registers anew keeps only what it says it runs', async () => {
    await caller.register('f', { capabilities: ['f'], maxParallel: 3 });
    const ids = [];
    for (let n = 0; n < 3; n++) ids.push((await caller.submit(on('f'))).id);
    for (let n = 0; n < 3; n++) await caller.claim('f');
    await caller.register('f', { capabilities: ['f'], maxParallel: 3, activeJobs: [ids[1]] });
    const statuses = await Promise.all(ids.map(async (id) => (await caller.job(id)).status));
    expect(statuses).toEqual(['queued', 'leased', 'queued']);
  });

  it('that is cordoned gets nothing new and keeps what it has, until it is uncordoned', async () => {
    await caller.register('g', { capabilities: ['g'], maxParallel: 2 });
    const first = await caller.submit(on('g'));
    await caller.submit(on('g'));
    await caller.claim('g');
    const { body } = await api.post('/v1/hosts/g/cordon', { reason: 'patching' });
    expect(body.host).toMatchObject({ status: 'cordoned', activeLeases: 1 });
    expect(await caller.claim('g')).toBeNull();
    expect((await caller.complete(first.id, { hostId: 'g' })).status).toBe(200);
    await caller.register('g', { capabilities: ['g'], maxParallel: 2 });
    expect(await caller.claim('g')).toBeNull();
    await api.post('/v1/hosts/g/uncordon');
    expect(await caller.claim('g')).not.toBeNull();
  });

  it('that drains finishes its jobs; at the deadline the rest goes to others', async () => {
    await caller.register('i', { capabilities: ['i'], maxParallel: 2 });
    await caller.register('j', { capabilities: ['i'] });
    const [one, two] = [await caller.submit(on('i')), await caller.submit(on('i'))];
    await caller.claim('i');
    await caller.claim('i');
    const patient = await api.post('/v1/hosts/i/drain', { reason: 'patching' });
    expect(patient.body.host).toMatchObject({
      status: 'draining',
      drain: { reason: 'patching', since: expect.any(String) },
    });
    await caller.complete(one.id, { hostId: 'i' });
    expect((await caller.host('i')).status).toBe('draining');
    const strict = await api.post('/v1/hosts/i/drain', { deadlineMs: 0 });
    expect(strict.body.host.drain).toHaveProperty('deadline');
    await becomes(two.id, 'queued');
    expect((await caller.host('i')).status).toBe('drained');
    const beat = await caller.heartbeat('i', { activeJobs: [two.id] });
    expect(beat.body.stopJobs).toEqual([two.id]);
    expect((await caller.claim('j'))?.id).toBe(two.id);
  });
});
