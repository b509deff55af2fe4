import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { type ReplicatedDatabase, startReplicatedDatabase } from '../support/standby.js';

const WAIT_MS = 800;
let db: ReplicatedDatabase;
let api: TestControlPlane;

beforeAll(async () => {
  db = await startReplicatedDatabase();
  api = await startTestControlPlane({
    databaseUrl: db.url,
    env: { SKYCLAW_MIN_REPLICATIONS: '2', SKYCLAW_COMMIT_WAIT_MS: String(WAIT_MS) },
  });
}, 120_000);
afterAll(async () => {
  await api.close();
  await db.close();
}, 60_000);

const job = { payload: { kind: 'shell', command: 'echo' } };
const jobs = async (): Promise<number> =>
  Number((await db.query<{ n: string }>('select count(*) as n from tasks'))[0]?.n);
/** The count of standbys is believed for a second. */
const eventuallyAnswers = (status: number) =>
  eventually(`changes are answered ${status}`, async () => {
    const answer = await api.post('/v1/network/join', { url: 'http://x.example' });
    return answer.status === status ? answer : undefined;
  });

describe('with SKYCLAW_MIN_REPLICATIONS=2', () => {
  it('a change is there on the standby when it is answered, whatever the default of the server is', async () => {
    expect(await db.query('show synchronous_commit')).toEqual([{ synchronous_commit: 'local' }]);
    expect(await api.query('show synchronous_commit')).toEqual([{ synchronous_commit: 'on' }]);
    const { status, body } = await api.post('/v1/jobs', job);
    expect({ status, body }).toMatchObject({ status: 200, body: { job: { status: 'queued' } } });
    const behind = `select from pg_stat_replication where flush_lsn < (select max(pg_current_wal_flush_lsn()))`;
    await eventually('the standby has all of it', async () =>
      (await db.query(behind)).length === 0 ? true : undefined,
    );
  });

  it('nothing is changed while the standby is not synchronous, reads go on, and it mends itself', async () => {
    const before = await jobs();
    await db.setSynchronous(false);
    const refused = await eventuallyAnswers(503);
    expect(refused.body).toEqual({
      error: 'insufficient peers: requires at least 1 known peers, got 0',
    });
    for (const path of ['/v1/jobs', '/v1/hosts/register', '/v1/replicate/snapshot', '/v1/hosts/x/claim']) {
      expect(await api.post(path, job)).toMatchObject({ status: 503, body: refused.body });
    }
    expect(await jobs()).toBe(before);
    for (const path of ['/v1/state', '/v1/jobs', '/health', '/v1/network/peers']) {
      expect((await api.fetch(path)).status).toBe(200);
    }
    expect((await api.post('/v1/tasks/enqueue', { action: 'x' })).status).toBe(200);
    await db.setSynchronous(true);
    await eventuallyAnswers(200);
  });

  it('a commit that waits too long is answered 503, goes on, and is there once when it is repeated', async () => {
    const before = await jobs();
    await db.pauseStandby();
    const key = { 'x-idempotency-key': 'frozen' };
    const begun = performance.now();
    const late = await api.post('/v1/jobs', job, key);
    expect(late).toMatchObject({
      status: 503,
      body: { error: 'replication target not met: required 1 peer acks, got 0' },
    });
    expect(performance.now() - begun).toBeGreaterThanOrEqual(WAIT_MS - 5);
    expect((await api.post('/v1/jobs', job, key)).status).toBe(503);
    expect(await jobs()).toBe(before);
    expect((await api.fetch('/v1/jobs')).status).toBe(200);
    db.resumeStandby();
    const repeated = await eventually('the standby confirms again', async () => {
      const answer = await api.post('/v1/jobs', job, key);
      return answer.status === 200 ? answer : undefined;
    });
    expect(repeated.headers['idempotent-replay']).toBe('true');
    expect(await jobs()).toBe(before + 1);
  });

  it('changes that are stuck leave connections for those who read', async () => {
    await db.pauseStandby();
    const all = await Promise.all(
      Array.from({ length: 30 }, (_, n) => api.post('/v1/jobs', job, { 'x-idempotency-key': `many-${n}` })),
    );
    expect(all.every(({ status }) => status === 503)).toBe(true);
    const begun = performance.now();
    expect((await api.post('/v1/jobs', job, { 'x-idempotency-key': 'one-more' })).status).toBe(503);
    expect(performance.now() - begun).toBeLessThan(WAIT_MS / 2);
    expect((await api.fetch('/v1/state')).status).toBe(200);
    db.resumeStandby();
    await eventuallyAnswers(200);
  });

  it('a claim may wait for work for longer than a commit may for a standby', async () => {
    await api.query('truncate tasks');
    await api.post('/v1/hosts/register', { hostId: 'h1', name: 'h1' });
    const begun = performance.now();
    const claim = await api.post('/v1/hosts/h1/claim', { wait_ms: WAIT_MS * 2 });
    expect(claim).toMatchObject({ status: 200, body: { job: null } });
    expect(performance.now() - begun).toBeGreaterThanOrEqual(WAIT_MS * 2 - 5);
  });
});

describe('without it', () => {
  it('no standby is asked for, and the default of the server holds', async () => {
    await db.setSynchronous(false);
    const free = await startTestControlPlane({ databaseUrl: db.url });
    try {
      expect((await free.post('/v1/jobs', job)).status).toBe(200);
      expect(await free.query('show synchronous_commit')).toEqual([{ synchronous_commit: 'local' }]);
    } finally {
      await free.close();
    }
  });
});
