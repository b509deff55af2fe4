import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DataSource as DataSourceToken } from 'typeorm';
import { type ClaimedTask } from '../../src/control-plane/ledger/index.js';
import { CLAIM_SQL } from '../../src/control-plane/ledger/queries/claim.queries.js';
import { KEY_SQL } from '../../src/control-plane/ledger/queries/key.queries.js';
import { type LoggedEvent } from '../support/audit.js';
import { type Db, type Tx } from '../../src/platform/database/database.js';
import { PLAIN, startTestLedger, type TestLedger } from '../support/ledger.js';

let ledger: TestLedger;
beforeAll(async () => (ledger = await startTestLedger()));
afterAll(() => ledger.api.close());
const clear = () =>
  ledger.api.query(
    'truncate tasks, task_dependencies, file_locks, file_waits, file_conflicts, concurrency_holds, events',
  );
afterEach(clear);

const keyed = (concurrencyKey: string, concurrencyLimit = 1) => ({ concurrencyKey, concurrencyLimit });
const files = (...names: string[]) => ({ requiredFiles: names });
const idsOf = (tasks: readonly ClaimedTask[]) => tasks.map(({ id }) => id);
const proofOf = (task: ClaimedTask) => ({
  ...{ taskId: task.id, workerId: task.lockedBy, claimToken: task.claimToken },
});
const claimed = async (limit = 10) => idsOf(await ledger.claim('w', limit));
async function claimOne(): Promise<ClaimedTask> {
  const [task] = await ledger.claim('w');
  if (task === undefined) throw new Error('nothing to claim');
  return task;
}
const gates = async () =>
  Object.fromEntries(
    (await ledger.api.query<{ id: string; gate: number }>('select id, gate from tasks order by seq')).map(
      ({ id, gate }) => [id, gate],
    ),
  );
const release = (task: ClaimedTask, more: { restSeconds?: number; leaseExpired?: boolean } = {}) =>
  ledger.endings.release(ledger.database, proofOf(task), { reason: '', ...more });
const cancel = (id: string) => ledger.endings.cancel(ledger.database, id, '');

/** Whatever must hold between two calls. */
async function check(): Promise<void> {
  const wrong = await ledger.api.query(
    `select t.id, h.task_seq from tasks t full join concurrency_holds h
       on h.task_seq = t.seq and h.project_id = t.project_id and h.key = t.concurrency_key
     where coalesce(t.gate = 5 and t.concurrency_key is not null, false) is distinct from (h.task_seq is not null)`,
  );
  expect(wrong).toEqual([]);
  const forgotten = await ledger.api.query(
    `select t.id from tasks t
     where t.gate = 4 and t.concurrency_limit >
         (select count(*) from concurrency_holds h where h.project_id = t.project_id and h.key = t.concurrency_key)
       and not exists (select from tasks r where r.gate = 0 and r.project_id = t.project_id
         and r.concurrency_key = t.concurrency_key and r.lane = t.lane)`,
  );
  expect(forgotten).toEqual([]);
  expect(
    await ledger.api.query('select from file_waits w join tasks t on t.seq = w.task_seq and t.gate = 4'),
  ).toEqual([]);
  expect(await ledger.upkeep.sweep()).toBe(0);
}

describe('a concurrency key', () => {
  it('lets so many tasks be held as the limit says, first come first served', async () => {
    for (const id of ['a', 'b', 'c', 'd']) await ledger.enqueue(id, keyed('k', 2));
    await ledger.enqueue('free');
    const [free, a, b, ...more] = await ledger.claim('w', 10);
    expect([free?.id, a?.id, b?.id, more]).toEqual(['free', 'a', 'b', []]);
    expect(await gates()).toEqual({ a: 5, b: 5, c: 4, d: 4, free: 5 });
    if (a) await ledger.finish(a);
    await ledger.enqueue('late', keyed('k', 2));
    expect(await gates()).toMatchObject({ c: 0, d: 4, late: 0 });
    expect(await claimed()).toEqual(['c']);
    if (b) await ledger.finish(b, false);
    expect(await claimed()).toEqual(['d']);
    await check();
  });

  it('is of one project, and a blank one is none', async () => {
    await ledger.enqueue('a', { ...keyed('k'), projectId: 'one' });
    await ledger.enqueue('b', { ...keyed('k'), projectId: 'two' });
    await ledger.enqueue('c', { concurrencyKey: ' ' });
    await ledger.enqueue('d', { concurrencyKey: '' });
    await ledger.enqueue('e', { ...keyed(' k '), projectId: 'one' });
    expect((await claimed()).sort()).toEqual(['a', 'b', 'c', 'd']);
    expect(await ledger.gate('e')).toBe(4);
    expect((await ledger.reader.findTask('e'))?.concurrency).toEqual({ key: 'k', limit: 1 });
    expect((await ledger.reader.findTask('c'))?.concurrency).toBeNull();
  });

  it('counts all that are held, and each task has its own limit', async () => {
    await ledger.enqueue('three', keyed('k', 3));
    await ledger.enqueue('one', keyed('k', 1));
    await ledger.enqueue('two', keyed('k', 2));
    await ledger.enqueue('three-too', keyed('k', 3));
    const [first, second] = await ledger.claim('w', 2);
    expect([first?.id, second?.id]).toEqual(['three', 'two']);
    expect(await claimed()).toEqual(['three-too']);
    expect(await gates()).toMatchObject({ one: 4 });
    await ledger.enqueue('three-again', keyed('k', 3));
    expect(await claimed()).toEqual([]);
    if (first) await ledger.finish(first);
    // Two are held: enough for one more of three, none for the one that wants to be alone.
    expect(await gates()).toMatchObject({ one: 4, 'three-again': 0 });
    await check();
  });

  it('keeps nobody waiting whom others of it could not run', async () => {
    await ledger.enqueue('a', keyed('k'));
    const held = await claimOne();
    await ledger.enqueue('gpu', { ...keyed('k'), requiredCapabilities: ['gpu'] });
    await ledger.enqueue('cpu', keyed('k'));
    expect(await ledger.claim('w', 10, ['gpu'])).toEqual([]);
    expect(await gates()).toEqual({ a: 5, gpu: 4, cpu: 4 });
    await ledger.finish(held);
    expect(await gates()).toMatchObject({ gpu: 0, cpu: 0 });
    expect(await claimed()).toEqual(['cpu']);
    expect(idsOf(await ledger.claim('w', 10, ['gpu']))).toEqual([]);
    expect(await ledger.gate('gpu')).toBe(4);
    await check();
  });
});

describe('a place of a key', () => {
  const ends: Record<string, (task: ClaimedTask) => Promise<unknown>> = {
    success: (task) => ledger.finish(task),
    failure: (task) => ledger.finish(task, false),
    'giving up': (task) => ledger.endings.giveUp(ledger.database, proofOf(task), ''),
    'a rest': (task) => release(task, { restSeconds: 60 }),
    cancelling: (task) => cancel(task.id),
    timeout: (task) => ledger.endings.timeOut(ledger.database, proofOf(task), ''),
    'an expired lease': async (task) => {
      await ledger.api.query(
        `update tasks set lease_expires_at = now() - interval '1 second' where id = $1`,
        [task.id],
      );
      const [lease] = await ledger.upkeep.listExpiredLeases(0, 1);
      if (lease) await ledger.upkeep.timeOutExpired(lease, '');
    },
  };
  it.each(Object.keys(ends))('passes on by %s', async (how) => {
    await ledger.enqueue('a', keyed('k'));
    await ledger.enqueue('b', keyed('k'));
    await ledger.enqueue('c', keyed('k'));
    const [held] = await ledger.claim('w', 10);
    if (held === undefined) throw new Error('not claimed');
    expect(await gates()).toEqual({ a: 5, b: 4, c: 4 });
    await ends[how]?.(held);
    expect(await gates()).toMatchObject({ b: 0, c: 4 });
    await check();
    expect(await claimed()).toEqual(['b']);
  });

  it('goes back to a task that is released, which came first', async () => {
    await ledger.enqueue('a', keyed('k'));
    await ledger.enqueue('b', keyed('k'));
    const [held] = await ledger.claim('w', 10);
    if (held) await release(held);
    expect(await gates()).toEqual({ a: 0, b: 4 });
    expect(await claimed()).toEqual(['a']);
    await check();
  });

  it('passes on when who was woken for it is cancelled', async () => {
    for (const id of ['a', 'b', 'c', 'd']) await ledger.enqueue(id, keyed('k'));
    const [held] = await ledger.claim('w', 10);
    await cancel('c');
    if (held) await ledger.finish(held);
    expect(await gates()).toMatchObject({ b: 0, d: 4 });
    await cancel('b');
    expect(await gates()).toMatchObject({ d: 0 });
    await check();
    expect(await claimed()).toEqual(['d']);
  });

  it('is asked for again by a task that is retried, at its place in the order', async () => {
    await ledger.enqueue('a', keyed('k'));
    await ledger.enqueue('b', keyed('k'));
    await ledger.enqueue('c', keyed('k'));
    const [held] = await ledger.claim('w', 10);
    if (held) await ledger.finish(held, false);
    await ledger.endings.retry(ledger.database, 'a', '');
    expect(await gates()).toEqual({ a: 0, b: 0, c: 4 });
    expect(await claimed()).toEqual(['a']);
    expect(await gates()).toEqual({ a: 5, b: 4, c: 4 });
    await check();
  });

  it('is nothing to tasks that wait for something else first', async () => {
    await ledger.enqueue('parent');
    await ledger.enqueue('child', { ...keyed('k'), dependencies: ['parent'] });
    await ledger.enqueue('later', { ...keyed('k'), runAt: '2999-01-01T00:00:00Z' });
    await ledger.enqueue('a', keyed('k'));
    const [parent, a] = await ledger.claim('w', 10);
    expect([parent?.id, a?.id]).toEqual(['parent', 'a']);
    if (parent) await ledger.finish(parent);
    expect(await ledger.gate('child')).toBe(0);
    expect(await claimed()).toEqual([]);
    expect(await gates()).toMatchObject({ child: 4, later: 3 });
    if (a) await ledger.finish(a);
    const child = await claimOne();
    expect(child.id).toBe('child');
    await ledger.enqueue('grandchild', { ...keyed('k'), dependencies: ['child'] });
    await ledger.finish(child, false);
    expect(await ledger.status('grandchild')).toBe('failed');
    await check();
  });

  it('and files: who waits for one does not keep the other', async () => {
    await ledger.enqueue('writer', files('f'));
    await ledger.enqueue('holder', keyed('k'));
    const [writer, holder] = await ledger.claim('w', 2);
    expect([writer?.id, holder?.id]).toEqual(['writer', 'holder']);
    await ledger.enqueue('both', { ...files('f'), ...keyed('k') });
    await ledger.enqueue('file-only', files('f'));
    await ledger.enqueue('key-only', keyed('k'));
    expect(await claimed()).toEqual([]);
    expect(await gates()).toMatchObject({ both: 2, 'file-only': 2, 'key-only': 4 });
    // It is woken for the file, finds the key full, and hands the file to the next.
    if (writer) await ledger.finish(writer);
    expect(await gates()).toMatchObject({ both: 0, 'file-only': 2 });
    const next = await claimOne();
    expect(next.id).toBe('file-only');
    expect(await gates()).toMatchObject({ both: 4, 'key-only': 4 });
    await check();
    // It is woken for the key, finds the file owned, and hands the key to the next.
    if (holder) await ledger.finish(holder);
    expect(await gates()).toMatchObject({ both: 0, 'key-only': 4 });
    expect(await claimed()).toEqual(['key-only']);
    expect(await gates()).toMatchObject({ both: 2 });
    await check();
  });

  it('that somebody passes on goes to whoever comes next, not to whoever is looked at next', async () => {
    await ledger.enqueue('writer', files('f'));
    await ledger.enqueue('holder', keyed('k'));
    const [, holder] = await ledger.claim('w', 2);
    await ledger.enqueue('both', { ...files('f'), ...keyed('k') });
    await ledger.enqueue('waits', keyed('k'));
    await ledger.enqueue('behind', files('g'));
    await ledger.api.query(`update tasks set gate = 4 where id in ('both', 'waits')`);
    if (holder) await ledger.finish(holder);
    expect(await gates()).toMatchObject({ both: 0, waits: 4, behind: 0 });
    expect(idsOf(await ledger.claim('w', 1))).toEqual(['waits']);
    await check();
  });
});

describe('what its winner could not take', () => {
  it.each([
    ['a place', keyed('k')],
    ['a file', files('f')],
  ])('goes to others that a pause came too late for: %s', async (_, wanted) => {
    await ledger.enqueue('first', { ...wanted, gatewayId: 'g1', gatewayStrict: true });
    await ledger.enqueue('second', { ...wanted, gatewayId: 'g2', gatewayStrict: true });
    const gateways = ['g1', 'g2'].map((gatewayId) => ({ gatewayId, capabilities: [] }));
    const claimer = { holder: 'dispatcher', id: 'd', gateways } as const;
    for (const gateway_id of ['g1', 'g2']) {
      await ledger.api.post('/v1/register-gateway', { gateway_id, host: 'http://127.0.0.1:9' });
    }
    const pauseGateway = () =>
      ledger.api.query(
        `update gateways set paused_at = now(), pause_reason = '' where gateway_id = 'g1' and paused_at is null`,
      );
    await ledger.database.transaction(async (tx) => {
      const db: Db = {
        query: async (statement, values) => {
          if (statement.name === 'ledger.admit') await pauseGateway();
          return tx.query(statement, values);
        },
        transaction: (work) => work(db as Tx),
        afterCommit: () => undefined,
      };
      const slots = ['d', 'd'];
      const { claimed: tasks } = await ledger.claims.claim(db, claimer, { slots, start: true });
      expect(idsOf(tasks)).toEqual(['second']);
    });
    expect(await gates()).toEqual({ first: 0, second: 5 });
    await check();
    await ledger.api.query('delete from gateways');
  });
});

describe('the sweep', () => {
  it('finds who was forgotten, and wakes as many as there are places', async () => {
    for (const id of ['a', 'b', 'c']) await ledger.enqueue(id, keyed('k', 2));
    await ledger.enqueue('other', keyed('l'));
    await ledger.api.query('update tasks set gate = 4');
    expect(await ledger.upkeep.sweep()).toBe(3);
    expect(await gates()).toEqual({ a: 0, b: 0, c: 4, other: 0 });
    expect(await ledger.upkeep.sweep()).toBe(0);
  });
});

describe('the calls', () => {
  const post = (path: string, body: object) => ledger.api.post(path, body);

  it('take a key and its limit, and show them', async () => {
    const enqueued = await post('/v1/tasks/enqueue', {
      action: 'a',
      concurrency_key: ' k ',
      concurrency_limit: 3,
    });
    expect(enqueued.body.task).toMatchObject({ concurrency_key: 'k', concurrency_limit: 3 });
    expect((await ledger.api.fetch(`/v1/tasks/${enqueued.body.task.id}`)).body).toEqual(enqueued.body.task);
    const one = await post('/v1/tasks/enqueue', { action: 'a', concurrency_key: 'k' });
    expect(one.body.task).toMatchObject({ concurrency_key: 'k', concurrency_limit: 1 });
    const none = await post('/v1/tasks/enqueue', { action: 'a', concurrency_key: '  ' });
    expect(none.body.task).toMatchObject({ concurrency_key: null, concurrency_limit: null });
    const batch = await post('/v1/tasks/batch', {
      tasks: [
        { action: 'a', concurrency_key: 'b' },
        { action: 'a', concurrency_key: 'b', concurrency_limit: '2' },
      ],
    });
    const stored = await Promise.all(
      batch.body.tasks.map(({ id }: { id: string }) => ledger.api.fetch(`/v1/tasks/${id}`)),
    );
    expect(stored.map(({ body }) => body)).toMatchObject([
      { concurrency_key: 'b', concurrency_limit: 1 },
      { concurrency_key: 'b', concurrency_limit: 2 },
    ]);
    const task = { action: 'a', concurrency_key: 'nightly', concurrency_limit: 2 };
    expect((await post('/v1/schedules', { schedule_id: 's', cron: '@daily', task })).status).toBe(200);
    const { body } = await post('/v1/schedules/s/trigger', {});
    const made = await ledger.api.fetch(`/v1/tasks/${body.scheduled_task.task_id}`);
    expect(made.body).toMatchObject({ concurrency_key: 'nightly', concurrency_limit: 2 });
  });

  it.each([
    [{ concurrency_limit: 2 }, 'concurrency_limit', /needs a concurrency_key/],
    [{ concurrency_key: ' ', concurrency_limit: 2 }, 'concurrency_limit', /needs a concurrency_key/],
    [{ concurrency_key: 'k', concurrency_limit: 0 }, 'concurrency_limit', /1/],
    [{ concurrency_key: 'k', concurrency_limit: 1.5 }, 'concurrency_limit', /integer/],
    [{ concurrency_key: 'k'.repeat(201) }, 'concurrency_key', /200/],
    [{ concurrency_key: 7 }, 'concurrency_key', /string/],
  ])('refuse %j', async (more, field, message) => {
    const single = await post('/v1/tasks/enqueue', { action: 'a', ...more });
    expect([single.status, single.body.detail[0].loc]).toEqual([422, ['body', field]]);
    expect(single.body.detail[0].msg).toMatch(message);
    const batch = await post('/v1/tasks/batch', { tasks: [{ action: 'a' }, { action: 'a', ...more }] });
    expect([batch.status, batch.body.errors[0].pointer]).toEqual([422, `#/tasks/1/${field}`]);
    const schedule = await post('/v1/schedules', { cron: '@daily', task: { action: 'a', ...more } });
    expect([schedule.status, schedule.body.errors[0].pointer]).toEqual([422, `#/task/${field}`]);
    expect(await gates()).toEqual({});
  });
});

describe('16 claimers in two replicas', () => {
  const PLACES: Readonly<Record<string, number>> = { one: 1, two: 2, five: 5 };
  const limitOf = (n: number): { key: string; limit: number } => {
    if (n % 4 === 3) return { key: 'mixed', limit: 1 + (n % 3) };
    const [key, limit] = Object.entries(PLACES)[n % 4] ?? ['', 1];
    return { key, limit };
  };

  it('never hold more of a key than its limit, and leave nobody behind', async () => {
    const two = await startTestLedger({ databaseUrl: ledger.api.databaseUrl });
    try {
      const tasks = new Map<string, { key: string; limit: number }>();
      for (let n = 0; n < 64; n++) tasks.set(`n${n}`, limitOf(n));
      await ledger.intake.enqueueTogether(
        ledger.database,
        [...tasks].map(([id, { key, limit }], n) => ({
          ...{ ...PLAIN, ...keyed(key, limit), id, priority: n % 3, maxAttempts: 1_000 },
          requiredFiles: n % 5 === 0 ? ['f', 'g'].slice(n % 2) : [],
        })),
      );
      let left = tasks.size;
      let most = 0;
      const work = async (index: number) => {
        const replica = index % 2 === 0 ? ledger : two;
        for (let turn = index; left > 0; turn++) {
          const held = await replica.claim(`w${index}`, 1 + (turn % 3));
          for (const task of held) {
            const proof = { taskId: task.id, workerId: task.lockedBy, claimToken: task.claimToken };
            if (turn % 7 === 0) await replica.endings.release(replica.database, proof, { reason: '' });
            else if (turn % 7 === 1) await replica.endings.cancel(replica.database, task.id, '');
            else await replica.finish(task, turn % 7 !== 2);
            if (turn % 7 !== 0) left -= 1;
          }
        }
      };
      const watch = async () => {
        while (left > 0) {
          const rows = await ledger.api.query<{ key: string; held: number }>(
            'select key, count(*)::int as held from concurrency_holds group by key',
          );
          for (const { key, held } of rows) {
            expect(held).toBeLessThanOrEqual(PLACES[key] ?? 3);
            most = Math.max(most, held);
          }
        }
      };
      await Promise.all([watch(), ...Array.from({ length: 16 }, (_, index) => work(index))]);
      expect(most).toBeGreaterThan(1);
      await check();
      expect(await ledger.api.query('select * from concurrency_holds')).toEqual([]);

      const held = new Map<string, number>();
      let claims = 0;
      for (const event of await wholeLog()) {
        const { key, limit } = tasks.get(event.task_id) ?? { key: '', limit: 0 };
        const beside = held.get(key) ?? 0;
        if (event.event_type === 'claimed') {
          expect([event.task_id, beside < limit]).toEqual([event.task_id, true]);
          held.set(key, beside + 1);
          claims += 1;
        } else if (
          ['claimed', 'running'].includes(event.from_status ?? '') &&
          event.event_type !== 'running'
        ) {
          held.set(key, beside - 1);
        }
      }
      expect(claims).toBeGreaterThanOrEqual(tasks.size);
      expect([...held.values()]).toEqual([0, 0, 0, 0]);
    } finally {
      await two.api.close();
    }
  }, 60_000);

  async function wholeLog(): Promise<LoggedEvent[]> {
    const events: LoggedEvent[] = [];
    for (let after = ''; ;) {
      const { body } = await ledger.api.fetch(`/v1/events?limit=1000&after=${after}`);
      events.push(...body.events);
      if (body.events.length === 0) return events;
      after = body.position;
    }
  }
});

describe('10,000 who wait for a key', () => {
  const WAITING = 10_000;

  /** Pages that a statement touches, hit or read; undone, so that it can be measured again. */
  async function pagesOf(text: string, values: unknown[]): Promise<number> {
    const runner = ledger.api.get(DataSourceToken).createQueryRunner();
    try {
      const runs: number[] = [];
      for (let run = 0; run < 5; run++) {
        await runner.query('begin');
        const rows = (await runner.query(`explain (analyze, buffers, format json) ${text}`, values)) as {
          'QUERY PLAN': { Plan: Record<string, number> }[];
        }[];
        await runner.query('rollback');
        const plan = rows[0]?.['QUERY PLAN'][0]?.Plan ?? {};
        runs.push((plan['Shared Hit Blocks'] ?? NaN) + (plan['Shared Read Blocks'] ?? NaN));
      }
      return Math.min(...runs);
    } finally {
      await runner.release();
    }
  }
  const claimPages = () => pagesOf(CLAIM_SQL, ['worker', 'w', [], '[]', [], [], ['w'], false, 1]);

  it('cost a claim nothing, and an end wakes as many as there are places', async () => {
    for (const id of ['a', 'b', 'c']) await ledger.enqueue(id, keyed('k', 3));
    const holders = await ledger.claim('w', 3);
    await ledger.enqueue('free', { priority: -1 });
    const alone = await claimPages();
    const columns =
      'id, action, params, max_attempts, lease_seconds, has_holdings, concurrency_key, concurrency_limit';
    await ledger.api.query(
      `insert into tasks (${columns}, gate, lane)
       select 'n' || n, 'a', '{}', 5, 300, true, 'k', 1 + n % 3, 4, 'action/any//' || n % 4
       from generate_series(1, ${WAITING}) n`,
    );
    await ledger.api.query('analyze');
    // An index may have grown by one level.
    expect(await claimPages()).toBeLessThanOrEqual(alone + 6);
    // Four lanes with three limits each, of which only the last can be had.
    expect(await pagesOf(KEY_SQL.CONTENDERS.text, ['default', ['k'], [2], []])).toBeLessThan(100);
    expect(await pagesOf(KEY_SQL.KEYS_WITH_PARKED.text, [])).toBeLessThan(20);

    const runnable = () =>
      ledger.api.query(
        `select lane, concurrency_limit as limit, count(*)::int as woken from tasks
         where gate = 0 and concurrency_key = 'k' group by 1, 2 order by 1, 2`,
      );
    const lanes = [0, 1, 2, 3].map((n) => `action/any//${n}`);
    const woken = (...byLimit: [limit: number, woken: number][]) =>
      lanes.flatMap((lane) => byLimit.map(([limit, count]) => ({ lane, limit, woken: count })));
    if (holders[0]) await ledger.finish(holders[0]);
    expect(await runnable()).toEqual(woken([3, 1]));
    if (holders[1]) await ledger.finish(holders[1]);
    expect(await runnable()).toEqual(woken([2, 1], [3, 2]));
    if (holders[2]) await ledger.finish(holders[2]);
    expect(await runnable()).toEqual(woken([1, 1], [2, 2], [3, 3]));
    expect(await ledger.upkeep.sweep()).toBe(0);
  }, 60_000);

  it('are parked with their batch, but for the first of each lane and limit', async () => {
    await ledger.enqueue('a', keyed('k', 2));
    await ledger.claim('w', 1);
    const tasks = Array.from({ length: 1_000 }, (_, n) => ({
      ...{ action: 'a', task_id: `n${n}`, concurrency_key: 'k', concurrency_limit: n % 2 === 0 ? 1 : 3 },
      ...{ priority: n === 999 ? 1 : 0, required_capabilities: n % 10 === 9 ? ['gpu'] : [] },
      ...{ required_files: n === 1 ? ['f', 'g'] : [] },
    }));
    expect((await ledger.api.post('/v1/tasks/batch', { tasks })).status).toBe(200);
    const rows = await ledger.api.query<{ id: string }>(
      'select id from tasks where gate = 0 order by rank, seq',
    );
    expect(rows.map(({ id }) => id)).toEqual(['n999', 'n1', 'n3', 'n9']);
    await check();
    expect(await claimed()).toEqual(['n1', 'n3']);
    await check();
  });

  it('and have not been looked at yet are parked by the first claim, which goes past them', async () => {
    await ledger.enqueue('a', keyed('k'));
    await ledger.claim('w', 1);
    const request = { ...PLAIN, ...keyed('k') };
    const tasks = Array.from({ length: WAITING }, () => ledger.intake.newTask(request));
    await ledger.intake.insertAlone(ledger.database, tasks);
    expect(await ledger.gate(tasks[0]?.id ?? '')).toBe(0);
    await ledger.enqueue('free');
    expect(await claimed(1)).toEqual(['free']);
    const rows = await ledger.api.query(
      'select gate, count(*)::int as tasks from tasks group by gate order by gate',
    );
    expect(rows).toEqual([
      { gate: 4, tasks: WAITING },
      { gate: 5, tasks: 2 },
    ]);
  }, 60_000);
});

describe('whatever happens', () => {
  const newTask = fc.record({
    kind: fc.constant('enqueue' as const),
    key: fc.constantFrom('k', 'k', 'l', null),
    limit: fc.constantFrom(1, 1, 2, 3),
    files: fc.subarray(['f', 'g/', 'g/x'], { maxLength: 2 }),
    priority: fc.integer({ min: 0, max: 2 }),
    project: fc.constantFrom('p', 'p', 'q'),
    able: fc.boolean(),
    after: fc.option(fc.nat(), { freq: 4 }),
  });
  const step = fc.oneof(
    { weight: 5, arbitrary: newTask },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('claim' as const),
        able: fc.boolean(),
        count: fc.integer({ min: 1, max: 4 }),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constantFrom('finish' as const, 'fail' as const, 'release' as const, 'rest' as const),
        pick: fc.nat(),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constantFrom('cancel' as const, 'retry' as const), pick: fc.nat() }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constantFrom('due' as const, 'reap' as const), pick: fc.nat() }),
    },
  );

  it('no key is exceeded, nobody is forgotten, and all get their turn', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        await clear();
        const holding: ClaimedTask[] = [];
        let count = 0;
        const claim = async (limit: number, able: boolean) => {
          const before = await heldByKey();
          const tasks = await ledger.claim('w', limit, able ? ['rare'] : []);
          for (const { projectId, concurrency } of tasks) {
            if (concurrency === null) continue;
            const name = `${projectId}/${concurrency.key}`;
            const beside = before.get(name) ?? 0;
            expect(beside).toBeLessThan(concurrency.limit);
            before.set(name, beside + 1);
          }
          holding.push(...tasks);
        };
        for (const now of steps) {
          if (now.kind === 'enqueue') {
            const parent = now.after === null ? [] : [`t${now.after % Math.max(1, count)}`];
            await ledger.enqueue(`t${count}`, {
              ...(now.key === null ? {} : keyed(now.key, now.limit)),
              ...{ requiredFiles: now.files, priority: now.priority, projectId: now.project },
              ...{ requiredCapabilities: now.able ? ['rare'] : [], dependencies: count === 0 ? [] : parent },
            });
            count += 1;
          } else if (now.kind === 'claim') {
            await claim(now.count, now.able);
          } else if (now.kind === 'due') {
            await ledger.api.query(`update tasks set next_attempt_at = now() where gate = 3`);
            await ledger.upkeep.promoteDue();
          } else if (now.kind === 'cancel' || now.kind === 'retry') {
            const id = `t${now.pick % Math.max(1, count)}`;
            await ledger.endings[now.kind](ledger.database, id, '').catch(() => undefined);
            const index = holding.findIndex((task) => task.id === id);
            if (index >= 0 && now.kind === 'cancel') holding.splice(index, 1);
          } else {
            const task = holding[now.pick % Math.max(1, holding.length)];
            if (task === undefined) continue;
            holding.splice(holding.indexOf(task), 1);
            if (now.kind === 'release') await release(task);
            else if (now.kind === 'rest') await release(task, { restSeconds: 60 });
            else if (now.kind === 'reap') await reap(task);
            else await ledger.finish(task, now.kind === 'finish');
          }
          await check();
        }
        for (let rounds = 0; ; rounds++) {
          for (const task of holding.splice(0)) await ledger.finish(task);
          await ledger.api.query(`update tasks set next_attempt_at = now() where gate = 3`);
          await ledger.upkeep.promoteDue();
          await claim(100, true);
          await check();
          if (holding.length === 0) break;
          if (rounds > count) throw new Error('It does not come to an end.');
        }
        expect(await ledger.api.query(`select id, gate from tasks where gate between 0 and 5`)).toEqual([]);
        expect(await ledger.api.query('select * from concurrency_holds')).toEqual([]);
      }),
      { numRuns: Number(process.env['SKYNET_TEST_RUNS'] ?? 20) },
    );
  }, 120_000);

  async function heldByKey(): Promise<Map<string, number>> {
    const rows = await ledger.api.query<{ name: string; held: number }>(
      `select project_id || '/' || key as name, count(*)::int as held from concurrency_holds group by 1`,
    );
    return new Map(rows.map(({ name, held }) => [name, held]));
  }

  async function reap({ id }: ClaimedTask): Promise<void> {
    await ledger.api.query(`update tasks set lease_expires_at = now() - interval '1 second' where id = $1`, [
      id,
    ]);
    for (const lease of await ledger.upkeep.listExpiredLeases(0, 10))
      await ledger.upkeep.releaseExpired(lease, '');
  }
});
