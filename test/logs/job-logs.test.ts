import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RetentionLoop } from '../../src/control-plane/reaper/retention.loop.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { aClaimedJob, complete, entry, ship } from './fixture.js';

let api: TestControlPlane;
beforeAll(async () => (api = await startTestControlPlane({ env: { SKYCLAW_LOG_MAX_BYTES: '4096' } })));
afterAll(() => api.close());

const read = async (id: string, query = '') => (await api.fetch(`/v1/jobs/${id}/logs${query}`)).body;
const textsOf = async (id: string): Promise<string[]> =>
  (await read(id)).entries.map(({ text }: { text: string }) => text);

describe('the output of a job', () => {
  it('can be read while it runs, in pages, and to its end', async () => {
    const job = await aClaimedJob(api);
    expect(await read(job.id)).toEqual({ entries: [], next: expect.any(String), truncated: false });
    const shipped = await ship(api, job, [entry(1), entry(2, 'oh\n', 'stderr'), entry(3)]);
    expect(shipped).toMatchObject({ status: 200, body: { ok: true, lastSeq: 3, full: false } });
    const first = await read(job.id, '?limit=2');
    expect(first).toEqual({
      entries: [
        {
          ...entry(1),
          ...{ attempt: 1, hostId: job.hostId },
          at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        },
        { ...entry(2, 'oh\n', 'stderr'), attempt: 1, hostId: job.hostId, at: expect.any(String) },
      ],
      next: expect.any(String),
      truncated: false,
    });
    const second = await read(job.id, `?after=${first.next}`);
    expect(second.entries).toMatchObject([entry(3)]);
    await ship(api, job, [entry(4)]);
    await complete(api, job, { stdout: 'all of it' });
    const last = await read(job.id, `?after=${second.next}`);
    expect(last).toEqual({ entries: [expect.objectContaining(entry(4))], truncated: false });
    expect(await read(job.id, '?limit=0')).toMatchObject({ entries: [] });
  });

  it('skips what is there already, whatever the order it comes in', async () => {
    const job = await aClaimedJob(api);
    await ship(api, job, [entry(2), entry(4)]);
    expect((await ship(api, job, [entry(2, 'again'), entry(4)])).body).toMatchObject({ lastSeq: 4 });
    expect((await ship(api, job, [entry(1), entry(2, 'again'), entry(3), entry(3, 'twice')])).body).toEqual({
      ...{ ok: true, lastSeq: 4, full: false },
    });
    expect(await textsOf(job.id)).toEqual(['line 2\n', 'line 4\n', 'line 1\n', 'line 3\n']);
    expect((await ship(api, job, [])).body).toMatchObject({ lastSeq: 4 });
  });

  it('is kept once when the same is sent many times at once', async () => {
    const job = await aClaimedJob(api);
    const calls = Array.from({ length: 12 }, (_, n) => ship(api, job, [entry(1 + (n % 4)), entry(5)]));
    const replies = await Promise.all(calls);
    expect(replies.map(({ status }) => status)).toEqual(Array(12).fill(200));
    expect((await textsOf(job.id)).sort()).toEqual([1, 2, 3, 4, 5].map((n) => `line ${n}\n`));
  });

  it('ends with a mark when it is too long, and nothing is kept behind that', async () => {
    const job = await aClaimedJob(api);
    expect((await ship(api, job, [entry(1, 'a'.repeat(4_000))])).body).toMatchObject({ full: false });
    const cut = await ship(api, job, [entry(2, 'b'.repeat(500)), entry(3)]);
    expect(cut.body).toEqual({ ok: true, lastSeq: 2, full: true });
    expect((await ship(api, job, [entry(3)])).body).toEqual({ ok: true, lastSeq: 2, full: true });
    expect(await textsOf(job.id)).toEqual(['a'.repeat(4_000), `${'b'.repeat(96)}\n[output truncated]\n`]);
    expect(await read(job.id)).toMatchObject({ truncated: true });
  });

  it('counts bytes, cuts between characters, and gives short entries a weight', async () => {
    const wide = await aClaimedJob(api);
    await ship(api, wide, [entry(1, 'ä'.repeat(3_000))]);
    const [text = ''] = await textsOf(wide.id);
    expect(text).toMatch(/^ä+\n\[output truncated\]\n$/);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4_096 + 20);
    const short = await aClaimedJob(api);
    const many = Array.from({ length: 500 }, (_, n) => entry(n + 1, '.'));
    expect((await ship(api, short, many)).body).toEqual({ ok: true, lastSeq: 129, full: true });
  });

  it('is mended where it cannot be stored', async () => {
    const job = await aClaimedJob(api);
    expect((await ship(api, job, [entry(1, 'a\0b\ud800c')])).status).toBe(200);
    expect(await textsOf(job.id)).toEqual(['a\uFFFDb\uFFFDc']);
  });

  it('is what the result says when nothing of the attempt was shipped', async () => {
    const job = await aClaimedJob(api);
    await complete(api, job, { stdout: 'out\n', stderr: 'err\n', success: false, exitCode: 3, error: 'no' });
    const whole = await read(job.id);
    expect(whole).toMatchObject({
      entries: [
        { seq: 1, stream: 'stdout', text: 'out\n', attempt: 1, hostId: job.hostId, at: expect.any(String) },
        { seq: 2, stream: 'stderr', text: 'err\n' },
      ],
      truncated: false,
    });
    expect(whole).not.toHaveProperty('next');
  });
});

describe('who may ship output of a job', () => {
  it('is the host that holds the attempt', async () => {
    const job = await aClaimedJob(api);
    const other = await aClaimedJob(api);
    const lines = [entry(1)];
    const assigned = `job ${job.id} is assigned to ${job.hostId}`;
    expect(await ship(api, { ...job, hostId: 'nobody' }, lines)).toMatchObject({
      ...{ status: 404, body: { error: 'unknown host: nobody', type: 'urn:skynet:problem:host-not-found' } },
    });
    expect(await ship(api, { ...job, id: 'job_none' }, lines)).toMatchObject({
      ...{ status: 404, body: { error: 'unknown job: job_none' } },
    });
    for (const wrong of [
      { ...job, hostId: other.hostId },
      { ...job, leaseToken: other.leaseToken },
      { ...job, attempts: 2 },
    ]) {
      expect(await ship(api, wrong, lines)).toMatchObject({ status: 409, body: { error: assigned } });
    }
    expect((await ship(api, job, lines, { leaseToken: null })).status).toBe(200);
    await complete(api, job);
    expect(await ship(api, job, [entry(2)])).toMatchObject({
      ...{ status: 409, body: { error: `job ${job.id} is not leased` } },
    });
    expect(await textsOf(job.id)).toEqual(['line 1\n']);
  });

  it('is a host of the next attempt, whose lines stand behind those of the first', async () => {
    const job = await aClaimedJob(api);
    await ship(api, job, [entry(1, 'first\n')]);
    await api.post('/v1/hosts/register', { hostId: job.hostId, name: 'x', capabilities: [job.hostId] });
    const { body } = await api.post(`/v1/hosts/${job.hostId}/claim`);
    expect((await ship(api, job, [entry(2)])).status).toBe(409);
    const again = { ...job, attempts: 2, leaseToken: body.job.leaseToken };
    expect((await ship(api, again, [entry(1, 'second\n')])).body).toMatchObject({ lastSeq: 1 });
    expect((await read(job.id)).entries).toMatchObject([
      { text: 'first\n', attempt: 1 },
      { text: 'second\n', attempt: 2 },
    ]);
  });

  it.each([
    ['no seq', [{ stream: 'stdout', text: '' }], 400],
    ['a seq of 0', [entry(0)], 400],
    ['another stream', [{ seq: 1, stream: 'stdin', text: '' }], 400],
    ['too many entries', Array.from({ length: 1_001 }, (_, n) => entry(n + 1, '')), 400],
    ['too much text', [entry(1, 'x'.repeat(150_000)), entry(2, 'x'.repeat(150_000))], 413],
    ['too many bytes', [entry(1, 'ä'.repeat(140_000))], 413],
  ])('is refused with %s', async (_, entries, expected) => {
    const job = await aClaimedJob(api);
    const { status, body } = await ship(api, job, entries);
    expect([status, typeof body.error]).toEqual([expected, 'string']);
  });

  it('may send as much as a call holds, however it is escaped', async () => {
    const job = await aClaimedJob(api);
    const body = JSON.stringify({
      ...{ hostId: job.hostId, attempt: 1 },
      entries: [{ seq: 1, stream: 'stdout', text: '@' }],
    }).replace('@', '\\u0041'.repeat(262_144));
    expect((await api.post(`/v1/jobs/${job.id}/logs`, body)).body).toMatchObject({ lastSeq: 1, full: true });
  });
});

it('a page ends sooner when its texts are long, and the next one goes on', async () => {
  const own = await startTestControlPlane({ env: { SKYCLAW_LOG_MAX_BYTES: '8000000' } });
  try {
    const job = await aClaimedJob(own);
    for (let seq = 1; seq <= 6; seq++) await ship(own, job, [entry(seq, `${seq}`.repeat(250_000))]);
    await complete(own, job);
    const seqs: number[] = [];
    let pages = 0;
    for (let next: string | undefined = ''; next !== undefined; pages++) {
      const { body } = await own.fetch(`/v1/jobs/${job.id}/logs?after=${next}`);
      seqs.push(...body.entries.map(({ seq }: { seq: number }) => seq));
      next = body.next;
    }
    expect([seqs, pages]).toEqual([[1, 2, 3, 4, 5, 6], 2]);
  } finally {
    await own.close();
  }
});

it('a host that has a credential shows it', async () => {
  const own = await startTestControlPlane({ env: { SKYCLAW_HOST_AUTH: '1' } });
  try {
    const { body } = await own.post('/v1/hosts/register', { hostId: 'h', name: 'h' });
    const headers = { 'x-skyclaw-host-token': body.hostToken };
    const submitted = await own.post('/v1/jobs', { payload: { kind: 'shell', command: 'true' } });
    const { body: claimed } = await own.post('/v1/hosts/h/claim', {}, headers);
    const path = `/v1/jobs/${submitted.body.job.id}/logs`;
    const shipment = { hostId: 'h', attempt: 1, leaseToken: claimed.job.leaseToken, entries: [entry(1)] };
    expect((await own.post(path, shipment)).status).toBe(401);
    expect((await own.post(path, shipment, headers)).status).toBe(200);
    expect((await own.post('/v1/services/s/logs', shipment)).status).toBe(401);
  } finally {
    await own.close();
  }
});

it('reading knows no job that is not there, and no cursor of others', async () => {
  expect(await api.fetch('/v1/jobs/none/logs')).toMatchObject({
    ...{ status: 404, body: { error: 'job not found' } },
  });
  const job = await aClaimedJob(api);
  for (const after of ['x', 'WzFd', 'bnVsbA']) {
    expect((await api.fetch(`/v1/jobs/${job.id}/logs?after=${after}`)).status).toBe(400);
  }
});

it('goes with its job', async () => {
  const [kept, gone] = [await aClaimedJob(api), await aClaimedJob(api)];
  for (const job of [kept, gone]) await ship(api, job, [entry(1)]);
  await api.query(`update outputs set began_at = now() - interval '31 days'`);
  await api.query('delete from tasks where id = $1', [gone.id]);
  api.get(RetentionLoop).nudge();
  await eventually('the output is gone', async () => {
    const left = await api.query('select 1 from output_entries where subject_id = $1', [gone.id]);
    return left.length === 0 ? true : undefined;
  });
  expect(await api.query('select 1 from outputs where subject_id = $1', [gone.id])).toEqual([]);
  expect(await textsOf(kept.id)).toEqual(['line 1\n']);
});
