import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { audit, type Expected, type LoggedEvent } from '../support/audit.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { isLong, limitMs } from '../support/long.js';

const SEEDS = isLong ? [11, 12, 13, 14, 15, 16, 17, 18] : [11];

/** The whole log, page by page. All writers are done, so no id can appear below one that was read. */
async function wholeLog(api: TestControlPlane): Promise<LoggedEvent[]> {
  const events: LoggedEvent[] = [];
  for (;;) {
    const { body } = await api.fetch(`/v1/events?limit=1000&after_id=${events.at(-1)?.id ?? 0}`);
    if (body.events.length === 0) return events;
    events.push(...body.events);
  }
}

/** A generator that gives the same numbers for the same seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('two replicas on one database', () => {
  let one: TestControlPlane;
  let two: TestControlPlane;
  beforeAll(async () => {
    one = await startTestControlPlane({
      env: { SKYNET_CONTROL_TASK_LOCK_TIMEOUT: '1', SKYNET_TASK_MAX_ATTEMPTS: '50' },
    });
    two = await startTestControlPlane({
      databaseUrl: one.databaseUrl,
      env: {
        SKYNET_STALE_LOCK_REAPER_ENABLED: '1',
        SKYNET_STALE_LOCK_REAPER_POLL_SECS: '0.2',
        SKYNET_CONTROL_TASK_LOCK_TIMEOUT: '1',
        SKYNET_TASK_MAX_ATTEMPTS: '50',
      },
    });
  });
  afterAll(async () => {
    await two.close();
    await one.close();
  });
  const replica = (index: number) => (index % 2 === 0 ? one : two);

  it('answer 300 enqueues and 300 claims at once without an error, each task claimed once', async () => {
    const enqueues = Array.from({ length: 300 }, (_, index) =>
      replica(index).post('/v1/tasks/enqueue', { action: 'a', task_id: `p${index}`, lease_seconds: 60 }),
    );
    const claims = Array.from({ length: 300 }, (_, index) =>
      replica(index).post('/v1/tasks/claim', { worker_id: `w${index}` }),
    );
    const replies = await Promise.all([...enqueues, ...claims]);
    expect(replies.filter((reply) => reply.status !== 200)).toEqual([]);
    const claimed = replies.slice(300).flatMap((reply) => (reply.body.claimed ? [reply.body.task] : []));
    for (let misses = 0; claimed.length < 300 && misses < 10;) {
      const { body } = await one.post('/v1/tasks/claim', { worker_id: 'rest' });
      if (body.claimed) claimed.push(body.task);
      else misses += 1;
    }
    expect(new Set(claimed.map((task) => task.id)).size).toBe(300);
    for (const task of claimed) {
      const proof = { worker_id: task.locked_by, claim_token: task.claim_token, success: false };
      expect((await one.post(`/v1/tasks/${task.id}/complete`, proof)).status).toBe(200);
    }
  });

  it('drain 1,000 tasks once each with 16 workers', async () => {
    await Promise.all(
      Array.from({ length: 16 }, async (_, lane) => {
        for (let index = lane; index < 1_000; index += 16) {
          await replica(index).post('/v1/tasks/enqueue', {
            action: 'a',
            task_id: `drain${index}`,
            lease_seconds: 60,
          });
        }
      }),
    );
    const done = new Map<string, number>();
    await Promise.all(
      Array.from({ length: 16 }, async (_, index) => {
        const api = replica(index);
        for (;;) {
          const { body } = await api.post('/v1/tasks/claim', { worker_id: `d${index}` });
          if (!body.claimed) return;
          const { id, claim_token } = body.task;
          await api.post(`/v1/tasks/${id}/start`, { worker_id: `d${index}`, claim_token });
          const reply = await api.post(`/v1/tasks/${id}/complete`, { worker_id: `d${index}`, claim_token });
          if (reply.body.ok === true) done.set(id, (done.get(id) ?? 0) + 1);
        }
      }),
    );
    expect(done.size).toBe(1_000);
    expect([...done.values()].every((times) => times === 1)).toBe(true);
  });

  it.each(SEEDS)(
    'work off a random graph with files while workers die, by the rules (seed %i)',
    async (seed) => {
      const next = random(seed);
      const paths = ['a', 'b', 'c', 'd', 'e'].map((name) => `s${seed}/${name}`);
      const tasks: Expected[] = [];
      for (let index = 0; index < 80; index++) {
        const dependencies = tasks.filter(() => next() < 0.04).map((task) => task.id);
        const files = paths.filter(() => next() < 0.25);
        const task = { id: `s${seed}-${index}`, dependencies, files };
        tasks.push(task);
        const { status } = await replica(index).post('/v1/tasks/enqueue', {
          action: 'a',
          task_id: task.id,
          dependencies,
          required_files: files,
          priority: Math.floor(next() * 3),
        });
        expect(status).toBe(200);
      }
      const left = new Set(tasks.map((task) => task.id));
      const refresh = async () => {
        for (const id of [...left]) {
          const { body } = await one.fetch(`/v1/tasks/${id}`);
          if (['succeeded', 'failed', 'failed_timeout'].includes(body.status)) left.delete(id);
        }
      };
      await Promise.all(
        Array.from({ length: 16 }, async (_, index) => {
          const api = replica(index);
          const chance = random(seed * 100 + index);
          for (let life = 0; left.size > 0;) {
            const worker_id = `s${seed}-w${index}-${life}`;
            const { body } = await api.post('/v1/tasks/claim', { worker_id });
            if (!body.claimed) {
              await refresh();
              continue;
            }
            // One in ten dies here, holding what it has, and comes back under another name.
            if (chance() < 0.1) {
              life += 1;
              continue;
            }
            const { id, claim_token } = body.task;
            await api.post(`/v1/tasks/${id}/start`, { worker_id, claim_token });
            if (chance() < 0.1) await api.post(`/v1/tasks/${id}/release`, { worker_id, claim_token });
            else
              await api.post(`/v1/tasks/${id}/complete`, {
                worker_id,
                claim_token,
                success: chance() > 0.02,
              });
          }
        }),
      );
      expect(audit(await wholeLog(one), tasks)).toEqual([]);
      expect((await one.fetch('/v1/files/ownership')).body.ownership).toEqual([]);
      expect(await one.query('select * from file_waits')).toEqual([]);
    },
    limitMs(90_000),
  );
});
