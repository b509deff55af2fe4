import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { Caller, shell } from './fixture.js';

let api: TestControlPlane;
let caller: Caller;
beforeAll(async () => {
  api = await startTestControlPlane();
  caller = new Caller(api);
});
afterAll(() => api.close());

const needs = (...requiredCapabilities: string[]) => ({ requirement: { requiredCapabilities } });

describe('a job', () => {
  it('goes from submission to its result, in the words of the original', async () => {
    await caller.register('h1', { capabilities: [' b ', 'a', 'b', 'cap1'], maxParallel: 2 });
    const job = await caller.submit({
      payload: shell('echo', { args: ['hi'], env: { SECRET: 's' } }),
      ...needs('cap1'),
      submittedBy: 'me',
    });
    expect(job).toEqual({
      id: expect.stringMatching(/^job_[0-9a-f-]{36}$/),
      payload: shell('echo', { args: ['hi'], env: { SECRET: 's' } }),
      requirement: { requiredCapabilities: ['cap1'] },
      status: 'queued',
      priority: 0,
      dependencies: [],
      submittedBy: 'me',
      attempts: 0,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updatedAt: job.createdAt,
      updatedBy: expect.stringMatching(/^node_/),
      version: 1,
    });
    const claimed = await caller.claim('h1');
    expect(claimed).toMatchObject({
      id: job.id,
      status: 'leased',
      assignedHostId: 'h1',
      attempts: 1,
      leaseToken: expect.stringMatching(/^[0-9a-f]{32}$/),
      payload: { env: { SECRET: 's' } },
      leaseExpiresAt: expect.stringMatching(/Z$/),
    });
    const shown = await caller.job(job.id);
    expect(shown).toMatchObject({ status: 'leased', payload: { env: { SECRET: '***' } } });
    expect(shown).not.toHaveProperty('leaseToken');
    const { body: task } = await api.fetch(`/v1/tasks/${job.id}`);
    expect(task).toMatchObject({ kind: 'shell', action: 'job:shell', params: { env: { SECRET: '***' } } });

    const report = { hostId: 'h1', durationMs: 12.4, exitCode: 0, stdout: 'hi\n', stderr: '' };
    const done = await caller.complete(job.id, { ...report, leaseToken: claimed?.leaseToken });
    expect(done.body.job).toMatchObject({
      status: 'completed',
      assignedHostId: 'h1',
      updatedBy: job.updatedBy,
      result: { durationMs: 12, exitCode: 0, stdout: 'hi\n', stderr: '', finishedAt: expect.any(String) },
    });
    for (const absent of ['leaseExpiresAt', 'leaseToken', 'error'])
      expect(done.body.job).not.toHaveProperty(absent);
    expect(await caller.complete(job.id, report)).toMatchObject({ status: 200, body: done.body });
    const other = await caller.complete(job.id, { ...report, stdout: 'ho' });
    expect(other).toMatchObject({ status: 409, body: { error: `job ${job.id} is not leased` } });
    await caller.register('h-other');
    const stranger = await caller.complete(job.id, { ...report, hostId: 'h-other' });
    expect(stranger).toMatchObject({ status: 409, body: { error: `job ${job.id} is assigned to h1` } });
  });

  it('that fails keeps its result and its error, and is not tried again', async () => {
    await caller.register('h-fail');
    const { id } = await caller.submit();
    await caller.claim('h-fail');
    const report = { hostId: 'h-fail', success: false, exitCode: 3, stderr: 'no', error: 'it broke' };
    expect((await caller.complete(id, report)).body.job).toMatchObject({
      status: 'failed',
      error: 'it broke',
      result: { exitCode: 3, stderr: 'no', durationMs: 0 },
    });
    expect(await caller.claim('h-fail')).toBeNull();
    expect(await caller.complete(id, report)).toMatchObject({ status: 200 });
  });

  it('of OpenClaw runs "run" unless it says otherwise', async () => {
    await caller.register('h-claw', { capabilities: ['openclaw'] });
    const { id } = await caller.submit({ payload: { kind: 'openclaw-run' }, ...needs('openclaw') });
    expect(await caller.claim('h-claw')).toMatchObject({
      id,
      payload: { kind: 'openclaw-run', args: ['run'] },
    });
    await caller.complete(id, { hostId: 'h-claw' });
  });

  it('keeps what its program printed within bounds, whatever the bytes', async () => {
    await caller.register('h-out');
    const { id } = await caller.submit();
    await caller.claim('h-out');
    const { body } = await caller.complete(id, {
      hostId: 'h-out',
      stdout: `a\0b\ud800c${'é'.repeat(1_000_000)}`,
      stderr: 'x'.repeat(4_000_000),
    });
    const { stdout, stderr } = body.job.result;
    expect(stdout.startsWith('a\uFFFDb\uFFFDcé')).toBe(true);
    for (const output of [stdout, stderr]) {
      expect(output.endsWith('\n[output truncated]\n')).toBe(true);
      expect(Buffer.byteLength(output)).toBeLessThanOrEqual(131_072);
      expect(Buffer.byteLength(output)).toBeGreaterThan(131_060);
    }
  });

  it('is refused when its report is larger than 8 MiB, without the rest being read', async () => {
    const { status, body } = await caller.complete('job_x', {
      hostId: 'h1',
      stdout: 'x'.repeat(9 * 1_048_576),
    });
    expect({ status, body }).toEqual({ status: 413, body: { error: 'request body too large' } });
  });
});

describe('the order of jobs', () => {
  it('is by priority, then by age', async () => {
    await caller.register('h-order', { capabilities: ['order'], maxParallel: 10 });
    const ids: Record<string, string> = {};
    for (const [name, priority] of [
      ['old', 0],
      ['new', 0],
      ['high', 5],
      ['low', -5],
    ] as const)
      ids[name] = (await caller.submit({ payload: shell(), priority, ...needs('order') })).id;
    const claimed = [];
    for (let n = 0; n < 4; n++) claimed.push((await caller.claim('h-order'))?.id);
    expect(claimed).toEqual([ids['high'], ids['old'], ids['new'], ids['low']]);
  });

  it('waits for what must come first, be it a job or a task', async () => {
    await caller.register('h-deps', { capabilities: ['deps'], maxParallel: 10 });
    const first = await caller.submit({ payload: shell(), ...needs('deps') });
    await api.post('/v1/tasks/enqueue', { action: 'a', task_id: 'between', dependencies: [first.id] });
    const last = await caller.submit({ payload: shell(), dependencies: ['between'], ...needs('deps') });
    expect((await caller.claim('h-deps'))?.id).toBe(first.id);
    expect(await caller.claim('h-deps')).toBeNull();
    await caller.complete(first.id, { hostId: 'h-deps' });
    const { body } = await api.post('/v1/tasks/claim', { worker_id: 'w' });
    expect(body.task.id).toBe('between');
    const proof = { worker_id: 'w', claim_token: body.task.claim_token };
    await api.post('/v1/tasks/between/start', proof);
    expect(await caller.claim('h-deps')).toBeNull();
    await api.post('/v1/tasks/between/complete', proof);
    expect((await caller.claim('h-deps'))?.id).toBe(last.id);
  });

  it('fails what waits for a failed one, across kinds', async () => {
    await caller.register('h-dep2', { capabilities: ['dep2'] });
    const parent = await caller.submit({ payload: shell(), ...needs('dep2') });
    const child = await caller.submit({ payload: shell(), dependencies: [parent.id], ...needs('dep2') });
    await api.post('/v1/tasks/enqueue', { action: 'a', task_id: 'grandchild', dependencies: [child.id] });
    await caller.claim('h-dep2');
    await caller.complete(parent.id, { hostId: 'h-dep2', success: false, error: 'x' });
    expect(await caller.job(child.id)).toMatchObject({
      status: 'failed',
      error: `Dependency '${parent.id}' ended failed.`,
    });
    expect((await api.fetch('/v1/tasks/grandchild')).body.status).toBe('failed');
  });

  it('keeps workers and dispatchers away from jobs, and hosts from tasks', async () => {
    await caller.register('h-kinds', { capabilities: ['kinds'] });
    await api.post('/v1/tasks/enqueue', { action: 'a', task_id: 'plain', required_capabilities: ['kinds'] });
    expect(await caller.claim('h-kinds')).toBeNull();
    const { id } = await caller.submit({ payload: shell(), ...needs('kinds') });
    const claim = { worker_id: 'w2', capabilities: ['kinds'], max: 10 };
    const { body } = await api.post('/v1/tasks/claim', claim);
    expect(body.tasks.map((task: { id: string }) => task.id)).toEqual(['plain']);
    expect((await caller.claim('h-kinds'))?.id).toBe(id);
  });
});

describe('a host', () => {
  it('gets no more than it has room for, and nothing that it cannot do', async () => {
    await caller.register('h2', { maxParallel: 2, capabilities: ['x'] });
    await caller.register('h3', { maxParallel: 2 });
    for (let n = 0; n < 3; n++) await caller.submit({ payload: shell(), ...needs('x') });
    expect(await caller.claim('h3')).toBeNull();
    const claims = await Promise.all(Array.from({ length: 6 }, () => caller.claim('h2')));
    expect(claims.filter((job) => job !== null)).toHaveLength(2);
    expect(await caller.host('h2')).toMatchObject({ activeLeases: 2, maxParallel: 2, status: 'online' });
    expect((await caller.heartbeat('h2', { activeLeases: 7 })).body.host).toMatchObject({
      activeLeases: 2,
      reportedActiveLeases: 7,
    });
  });

  it('is registered anew under its id, and shown as a worker among the agents', async () => {
    const first = await caller.register('h4', { capabilities: ['a'] });
    const second = await caller.register('h4', { name: 'other', capabilities: ['b'], maxParallel: 3 });
    expect(second.host).toMatchObject({
      name: 'other',
      capabilities: ['b'],
      maxParallel: 3,
      registeredAt: first.host.registeredAt,
    });
    const { body } = await api.fetch('/v1/agents?limit=1000');
    expect(body.agents).toContainEqual(expect.objectContaining({ agent_id: 'h4', status: 'online' }));
    expect(await api.post('/v1/register-worker', { worker_id: 'h4' })).toMatchObject({ status: 409 });
    await api.post('/v1/register-worker', { worker_id: 'w4' });
    expect(await api.post('/v1/hosts/register', { hostId: 'w4', name: 'x' })).toMatchObject({
      status: 409,
      body: { error: `'w4' is the id of a worker` },
    });
  });

  it('without an id is given one', async () => {
    const { body } = await api.post('/v1/hosts/register', { name: 'n' });
    expect(body.host).toMatchObject({
      id: expect.stringMatching(/^host_[0-9a-f-]{36}$/),
      capabilities: [],
      maxParallel: 1,
      activeLeases: 0,
    });
  });

  it.each([
    ['without a key', {}],
    ['with a key', { 'x-idempotency-key': 'waits' }],
  ])('that waits for a job %s hears of it at once', async (_how, headers) => {
    const capability = `wait${Object.keys(headers).length}`;
    await caller.register('h-wait', { capabilities: [capability] });
    const waiting = api.post('/v1/hosts/h-wait/claim', { wait_ms: 20_000 }, headers);
    const { id } = await caller.submit({ payload: shell(), ...needs(capability) });
    expect((await waiting).body.job.id).toBe(id);
  });

  it('that finds nothing with a key writes nothing, and waits as long as it said', async () => {
    await caller.register('h-idle', { capabilities: ['idle'] });
    const keys = async () =>
      (await api.query('select count(*)::integer as n from idempotency_keys'))[0]?.['n'];
    const before = await keys();
    const began = performance.now();
    const claim = (path: string, waitMs: number) =>
      api.post(`/v1/hosts/h-idle/${path}`, { wait_ms: waitMs }, { 'x-idempotency-key': `idle-${path}` });
    expect((await claim('claim', 300)).body).toEqual({ job: null });
    expect(performance.now() - began).toBeGreaterThan(290);
    expect((await claim('services/claim', 0)).body).toEqual({ service: null });
    expect(await keys()).toBe(before);
  });

  it('that claims again with the same key gets the job again while its lease runs, and then another', async () => {
    await caller.register('h-again', { capabilities: ['again'], maxParallel: 2 });
    await caller.submit({ payload: shell(), ...needs('again') });
    await caller.submit({ payload: shell(), ...needs('again') });
    const claim = async () =>
      (await api.post('/v1/hosts/h-again/claim', {}, { 'x-idempotency-key': 'again' })).body.job;
    const first = await claim();
    expect(await claim()).toEqual(first);
    await api.query(`update tasks set lease_expires_at = now() where id = $1`, [first.id]);
    expect((await claim()).id).not.toBe(first.id);
  });
});

describe('lists of jobs', () => {
  it('show the newest first, by state, page by page', async () => {
    const fresh = await startTestControlPlane();
    try {
      const own = new Caller(fresh);
      await own.register('h');
      const ids = [];
      for (let n = 0; n < 5; n++) ids.unshift((await own.submit()).id);
      await fresh.post('/v1/tasks/enqueue', { action: 'no job' });
      const first = await own.claim('h');
      await own.complete(first?.id ?? '', { hostId: 'h' });
      await own.claim('h');
      const list = async (query = '') => (await fresh.fetch(`/v1/jobs${query}`)).body;
      const idsOf = (body: { jobs: { id: string }[] }) => body.jobs.map(({ id }) => id);
      expect(idsOf(await list())).toEqual(ids);
      expect(idsOf(await list('?status=completed'))).toEqual([ids[4]]);
      expect(idsOf(await list('?status=LEASED'))).toEqual([ids[3]]);
      expect(idsOf(await list('?status=queued'))).toEqual(ids.slice(0, 3));
      expect(idsOf(await list('?status=failed'))).toEqual([]);
      expect(await list('?status=nonsense')).toEqual({ jobs: [] });
      expect(await list('?limit=0')).toEqual({ jobs: [] });
      const page = await list('?limit=2');
      expect(idsOf(page)).toEqual(ids.slice(0, 2));
      const next = await list(`?limit=200&cursor=${page.next_cursor}`);
      expect(idsOf(next)).toEqual(ids.slice(2));
      expect(next).not.toHaveProperty('next_cursor');
    } finally {
      await fresh.close();
    }
  });
});

describe('cancelling', () => {
  it('ends a waiting job and a leased one, whose host is told', async () => {
    await caller.register('h-cancel', { capabilities: ['cancel'], maxParallel: 2 });
    const leased = await caller.submit({ payload: shell(), ...needs('cancel') });
    const waiting = await caller.submit({ payload: shell(), ...needs('cancel') });
    await caller.claim('h-cancel');
    for (const { id } of [leased, waiting]) {
      const { body } = await api.post(`/v1/jobs/${id}/cancel`, { reason: 'changed my mind' });
      expect(body.job).toMatchObject({ id, status: 'failed', error: 'changed my mind' });
    }
    const beat = await caller.heartbeat('h-cancel', { activeJobs: [leased.id, 'job_unknown'] });
    expect(beat.body).toMatchObject({ stopServices: [], stopJobs: [leased.id, 'job_unknown'] });
    const late = await caller.complete(leased.id, { hostId: 'h-cancel' });
    expect(late).toMatchObject({ status: 409, body: { error: `job ${leased.id} is not leased` } });
    const again = await api.post(`/v1/jobs/${leased.id}/cancel`);
    expect(again.status).toBe(409);
    expect(again.headers['content-type']).toContain('application/problem+json');
    expect(await api.post('/v1/jobs/job_none/cancel')).toMatchObject({ status: 404 });
  });
});

describe('a job with a time limit to its start', () => {
  it('fails by itself when nobody has started it, and only then', async () => {
    await caller.register('h-ttl', { capabilities: ['ttl'] });
    const started = await caller.submit({ payload: shell(), ttlMs: 1_000, ...needs('ttl') });
    expect(started.ttlMs).toBe(1_000);
    await caller.claim('h-ttl');
    const { id } = await caller.submit({ payload: shell(), ttlMs: 1_000, ...needs('nobody') });
    const child = await caller.submit({ payload: shell(), dependencies: [id] });
    const end = performance.now() + 10_000;
    let job = await caller.job(id);
    while (job.status === 'queued' && performance.now() < end) job = await caller.job(id);
    expect(job).toMatchObject({ status: 'failed', error: 'expired: not started within 1000 ms (ttlMs)' });
    expect((await caller.job(child.id)).error).toBe(`Dependency '${id}' ended failed.`);
    expect((await caller.job(started.id)).status).toBe('leased');
    const { body } = await api.fetch(`/v1/events?task_id=${id}`);
    expect(body.events.at(-1)).toMatchObject({ event_type: 'failed', to_status: 'failed' });
  });
});
