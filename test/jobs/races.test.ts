import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { Caller, shell } from './fixture.js';
import { runs } from '../support/properties.js';
import { limitMs } from '../support/long.js';

const FAST = { SKYNET_STALE_LOCK_REAPER_ENABLED: '1', SKYNET_STALE_LOCK_REAPER_POLL_SECS: '0.1' };

let first: TestControlPlane;
let second: TestControlPlane;
beforeAll(async () => {
  first = await startTestControlPlane({ env: FAST });
  second = await startTestControlPlane({ env: FAST, databaseUrl: first.databaseUrl });
});
afterAll(async () => {
  await second.close();
  await first.close();
});

const on = (capability: string, more: object = {}) => ({
  payload: shell(),
  requirement: { requiredCapabilities: [capability] },
  ...more,
});

it('a host gets exactly as many jobs as it has room for, over two replicas', async () => {
  const [one, other] = [new Caller(first), new Caller(second)];
  for (let round = 0; round < 10; round++) {
    const [name, host] = [`room${round}`, `room-host${round}`];
    await one.register(host, { capabilities: [name], maxParallel: 7 });
    await Promise.all(Array.from({ length: 12 }, () => one.submit(on(name))));
    const claims = await Promise.all(
      Array.from({ length: 24 }, (_, index) => (index % 2 === 0 ? one : other).claim(host)),
    );
    const ids = claims.flatMap((job) => (job === null ? [] : [job.id]));
    expect(ids).toHaveLength(7);
    expect(new Set(ids).size).toBe(7);
  }
});

it('the same idempotency key from 20 callers on two replicas is one job, and all hear of it', async () => {
  const body = on('nobody', { submittedBy: 'x' });
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      (index % 2 === 0 ? first : second).post('/v1/jobs', body, { 'x-idempotency-key': 'same' }),
    ),
  );
  expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
  const { body: reused } = await first.post('/v1/jobs', on('other'), { 'x-idempotency-key': 'same' });
  expect(reused).toEqual({ error: 'idempotency key reuse conflict for route /v1/jobs' });
});

it('a claim is replayed only while the job that it granted is held', async () => {
  const caller = new Caller(first);
  await caller.register('replay', { capabilities: ['replay'], maxParallel: 5 });
  const ids = [];
  for (let n = 0; n < 2; n++) ids.push((await caller.submit(on('replay'))).id);
  const claim = async () =>
    (await second.post('/v1/hosts/replay/claim', {}, { 'x-idempotency-key': 'k' })).body.job;
  const granted = await claim();
  expect(granted.id).toBe(ids[0]);
  expect(await claim()).toEqual(granted);
  await caller.complete(granted.id, { hostId: 'replay' });
  expect((await claim()).id).toBe(ids[1]);
});

describe('many jobs on four hosts and two replicas', () => {
  it(
    'end once each, although hosts die and come back all the time',
    async () => {
      const [submitter, count] = [new Caller(first), runs(500)];
      await Promise.all(
        Array.from({ length: count / 10 }, async () => {
          for (let n = 0; n < 10; n++) await submitter.submit(on('drain'));
        }),
      );
      const accepted = new Map<string, number>();
      let left = true;
      const life = async (hostId: string, index: number) => {
        const caller = new Caller(index % 2 === 0 ? first : second);
        const register = () => caller.register(hostId, { capabilities: ['drain'], maxParallel: 8 });
        await register();
        const lane = async (lives: { dead: boolean }) => {
          while (!lives.dead) {
            const job = await caller.claim(hostId);
            if (job === null) {
              left = false;
              return;
            }
            // One in fifty attempts kills the whole host: it comes back and knows of nothing.
            if (Math.random() < 0.02) lives.dead = true;
            if (lives.dead) return;
            const { status } = await caller.complete(job.id, { hostId, leaseToken: job.leaseToken });
            if (status === 200) accepted.set(job.id, (accepted.get(job.id) ?? 0) + 1);
          }
        };
        // Who died finishes what it had, whatever the others found meanwhile.
        let lives = { dead: true };
        while (left || lives.dead) {
          lives = { dead: false };
          await Promise.all(Array.from({ length: 8 }, () => lane(lives)));
          if (lives.dead) await register();
        }
      };
      await Promise.all(['d1', 'd2', 'd3', 'd4'].map(life));
      const [row] = await first.query<{ done: number; failed: number; open: number; claimed: number }>(
        `select count(*) filter (where status = 'succeeded')::int as done,
         count(*) filter (where status in ('failed', 'failed_timeout'))::int as failed,
         count(*) filter (where completed_at is null)::int as open
       from tasks where required_capabilities = '{drain}'`,
      );
      expect(row).toEqual({ done: count, failed: 0, open: 0 });
      expect(accepted.size).toBe(count);
      expect([...accepted.values()].every((times) => times === 1)).toBe(true);
      const twice = await first.query(
        `select task_id from events where event_type = 'succeeded' group by task_id having count(*) > 1`,
      );
      expect(twice).toEqual([]);
    },
    limitMs(30_000),
  );
});
