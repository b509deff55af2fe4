import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource as DataSourceToken } from 'typeorm';
import { type ClaimedTask } from '../../src/control-plane/ledger/index.js';
import { CLAIM_SQL } from '../../src/control-plane/ledger/queries/claim.queries.js';
import { KEY_SQL } from '../../src/control-plane/ledger/queries/key.queries.js';
import { eventually } from '../support/eventually.js';
import { type LoggedEvent } from '../support/audit.js';
import { emptyLedger, expectKeysInOrder, idsOf, keyed, proofOf } from '../support/keyed.js';
import { PLAIN, startTestLedger, type TestLedger } from '../support/ledger.js';
import { isLong, limitMs } from '../support/long.js';
import { fc } from '../support/properties.js';

let ledger: TestLedger;
beforeAll(async () => (ledger = await startTestLedger()));
afterAll(() => ledger.api.close());
afterEach(() => emptyLedger(ledger));

const claimed = async (limit = 10) => idsOf(await ledger.claim('w', limit));
const release = (task: ClaimedTask, more: { restSeconds?: number; leaseExpired?: boolean } = {}) =>
  ledger.endings.release(ledger.database, proofOf(task), { reason: '', ...more });

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
      await expectKeysInOrder(ledger);
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

  /** All events, once the log tells of them: a transaction elsewhere on the server may delay that. */
  function wholeLog(): Promise<LoggedEvent[]> {
    return eventually('the log tells of all events', async () => {
      const events: LoggedEvent[] = [];
      for (let after = ''; ;) {
        const { body } = await ledger.api.fetch(`/v1/events?limit=1000&after=${after}`);
        events.push(...body.events);
        if (body.events.length === 0) break;
        after = body.position;
      }
      const [row] = await ledger.api.query<{ n: number }>('select count(*)::int as n from events');
      return events.length === row?.n ? events : undefined;
    });
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
    await expectKeysInOrder(ledger);
    expect(await claimed()).toEqual(['n1', 'n3']);
    await expectKeysInOrder(ledger);
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

  it(
    'no key is exceeded, nobody is forgotten, and all get their turn',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
          await emptyLedger(ledger);
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
                ...{
                  requiredCapabilities: now.able ? ['rare'] : [],
                  dependencies: count === 0 ? [] : parent,
                },
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
            await expectKeysInOrder(ledger);
          }
          for (let rounds = 0; ; rounds++) {
            for (const task of holding.splice(0)) await ledger.finish(task);
            await ledger.api.query(`update tasks set next_attempt_at = now() where gate = 3`);
            await ledger.upkeep.promoteDue();
            await claim(100, true);
            await expectKeysInOrder(ledger);
            if (holding.length === 0) break;
            if (rounds > count) throw new Error('It does not come to an end.');
          }
          expect(await ledger.api.query(`select id, gate from tasks where gate between 0 and 5`)).toEqual([]);
          expect(await ledger.api.query('select * from concurrency_holds')).toEqual([]);
        }),
        { numRuns: isLong ? 200 : 10 },
      );
    },
    limitMs(120_000),
  );

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
