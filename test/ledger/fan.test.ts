import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type ClaimedTask, DependentsService, PORTION } from '../../src/control-plane/ledger/index.js';
import { DataSource } from 'typeorm';
import { TellerLoop } from '../../src/control-plane/scheduler/teller.loop.js';
import { Database } from '../../src/platform/database/database.js';
import { CoalescedLedger } from '../../src/control-plane/ledger/coalesced-ledger.service.js';
import { eventually } from '../support/eventually.js';
import { startTestLedger, type TestLedger } from '../support/ledger.js';

/** Two replicas; nobody tells anybody of an end by itself until a test lets it. */
let ledger: TestLedger;
let other: TestLedger;
beforeAll(async () => {
  ledger = await startTestLedger();
  other = await startTestLedger({ env: {}, databaseUrl: ledger.api.databaseUrl });
  for (const replica of [ledger, other]) await replica.api.get(TellerLoop).stop();
});
afterAll(async () => {
  await other.api.close();
  await ledger.api.close();
});
const held = new Set<() => Promise<void>>();
afterEach(async () => {
  for (const letGo of held) await letGo();
  await ledger.api.query('truncate tasks, task_dependencies, untold_ends, file_locks, file_waits, events');
});

const CHILDREN = 2 * PORTION + 200;
const SUCCESS = { success: true, result: {}, error: '' };
const FAILURE = { success: false, result: {}, error: 'it broke' };

const tellMore = (replica = ledger) => replica.api.get(DependentsService).tellMore();
async function tellAll(replica = ledger): Promise<number> {
  let portions = 0;
  while (await tellMore(replica)) portions++;
  return portions;
}

const names = (prefix: string, count: number) => Array.from({ length: count }, (_, n) => `${prefix}-${n}`);
type More = Partial<TestLedger['plain']>;
const waitingFor = (dependencies: readonly string[], ids: readonly string[], more: More = {}) =>
  ids.map((id) => ({ ...ledger.plain, ...more, id, dependencies }));
const handIn = (tasks: Parameters<TestLedger['intake']['enqueueTogether']>[1]) =>
  ledger.intake.enqueueTogether(ledger.database, tasks);

/** A running task that comes before all others. */
async function running(id: string, more: More = {}): Promise<ClaimedTask> {
  await ledger.enqueue(id, { priority: 100, ...more });
  const [task] = await ledger.claim('holder');
  if (task?.id !== id) throw new Error(`Expected ${id}, got ${task?.id}.`);
  await ledger.start(task);
  return task;
}
const proofOf = ({ id, lockedBy, claimToken }: ClaimedTask) => ({
  taskId: id,
  workerId: lockedBy,
  claimToken,
});
const end = (task: ClaimedTask, outcome = SUCCESS) =>
  ledger.endings.complete(ledger.database, proofOf(task), outcome);

/** How many tasks whose id begins so stand at a gate. */
async function at(gate: number, prefix = 'child'): Promise<number> {
  const [row] = await ledger.api.query<{ n: number }>(
    'select count(*)::int as n from tasks where gate = $1 and id like $2',
    [gate, `${prefix}-%`],
  );
  return row?.n ?? NaN;
}

/** The most tasks whose last change was by one transaction, but for that which handed them in. */
async function mostInOneCommit(): Promise<number> {
  const [row] = await ledger.api.query<{ n: number }>(
    'select max(n)::int as n from (select count(*) as n from tasks where version > 1 group by xmin::text) x',
  );
  return row?.n ?? NaN;
}

async function nothingForgotten(): Promise<void> {
  expect(await ledger.upkeep.sweep()).toBe(0);
  expect(await ledger.api.query('select * from untold_ends')).toEqual([]);
}

describe('the success of a task with many dependents', () => {
  it('readies a portion with its own commit, and the others portion by portion', async () => {
    const root = await running('root');
    await handIn(waitingFor(['root'], names('child', CHILDREN)));
    await end(root);
    expect(await at(0)).toBe(PORTION);
    // They wait, and that is in order.
    expect(await ledger.upkeep.sweep()).toBe(0);
    expect(await tellMore()).toBe(true);
    expect(await at(0)).toBe(2 * PORTION);
    expect(await tellAll(other)).toBe(1);
    expect(await at(0)).toBe(CHILDREN);
    expect(await mostInOneCommit()).toBeLessThanOrEqual(PORTION + 1);
    await nothingForgotten();
  });

  it('is told to the end by whichever replica runs, when the one that ended the task is gone', async () => {
    const root = await running('root');
    await handIn(waitingFor(['root'], names('child', CHILDREN)));
    await end(root);
    const heir = await startTestLedger({ databaseUrl: ledger.api.databaseUrl });
    try {
      await eventually('all are ready', async () => ((await at(0)) === CHILDREN ? true : undefined));
    } finally {
      await heir.api.close();
    }
    await nothingForgotten();
  });

  it('is told at once by the loop of the replica, without waiting for its next turn', async () => {
    const loop = ledger.api.get(TellerLoop);
    loop.start();
    try {
      const root = await running('root');
      await handIn(waitingFor(['root'], names('child', CHILDREN)));
      await end(root);
      await eventually('all are ready', async () => ((await at(0)) === CHILDREN ? true : undefined));
    } finally {
      await loop.stop();
    }
    await nothingForgotten();
  });

  it('keeps nobody from claiming, or from ending what shares its files and its statement', async () => {
    const root = await running('root', { requiredFiles: ['root.txt'] });
    const next = await running('next', { requiredFiles: ['next.txt'] });
    await handIn(waitingFor(['root'], names('child', CHILDREN)));
    await handIn(waitingFor(['next'], names('follower', 3)));
    await ledger.enqueue('free', { priority: 50, requiredFiles: ['free.txt'] });
    const stranger = await holdRow(`child-${PORTION + 5}`);
    const coalesced = ledger.api.get(CoalescedLedger);
    const database = ledger.api.get(Database);
    await coalesced.complete(database, proofOf(root), SUCCESS);
    const stuck = tellMore();
    await eventually('the portion waits for the row', () => stranger.isWaitedFor());
    expect((await ledger.claim('w')).map(({ id }) => id)).toEqual(['free']);
    expect(await coalesced.complete(database, proofOf(next), SUCCESS)).toBe(true);
    expect(await at(0, 'follower')).toBe(3);
    await stranger.letGo();
    expect(await stuck).toBe(true);
    await tellAll();
    expect(await at(0)).toBe(CHILDREN);
    await nothingForgotten();
  });

  it('counts once for a task that was cancelled and retried before it was told', async () => {
    const [root, second] = [await running('root'), await running('second')];
    await handIn(waitingFor(['root'], names('child', CHILDREN)));
    await handIn(waitingFor(['root', 'second'], ['late-0']));
    await end(root);
    for (const id of ['late-0', `child-${CHILDREN - 1}`]) {
      await ledger.endings.cancel(ledger.database, id, '');
      await ledger.endings.retry(ledger.database, id, '');
    }
    await tellAll();
    expect(await at(0)).toBe(CHILDREN);
    expect(await at(1, 'late')).toBe(1);
    await end(second);
    expect(await at(0, 'late')).toBe(1);
    await nothingForgotten();
  });

  it('is not missed by a task that is retried while its portion passes over it', async () => {
    const root = await running('root');
    await handIn(waitingFor(['root'], names('child', CHILDREN)));
    await end(root);
    const passedOver = `child-${PORTION + 50}`;
    await ledger.endings.cancel(ledger.database, passedOver, '');
    const stranger = await holdRow(`child-${PORTION + 5}`);
    const portion = tellMore();
    await eventually('the portion waits for the row', () => stranger.isWaitedFor());
    let isRetried = false;
    const retried = ledger.endings.retry(other.database, passedOver, '').then(() => (isRetried = true));
    await eventually('the retry waits for the portion, or is through', async () => {
      const waiting = await ledger.api.query(
        `select from pg_locks where locktype = 'advisory' and not granted
           and database = (select oid from pg_database where datname = current_database())`,
      );
      return waiting.length > 0 || isRetried ? true : undefined;
    });
    await stranger.letGo();
    await Promise.all([portion, retried]);
    await tellAll();
    expect(await at(0)).toBe(CHILDREN);
    await nothingForgotten();
  });

  it('does not count for tasks that come when it is over, though others have not been told', async () => {
    const [root, second] = [await running('root'), await running('second')];
    await handIn(waitingFor(['root'], names('child', CHILDREN)));
    await end(root);
    await handIn(waitingFor(['root', 'second'], ['late-0']));
    await handIn(waitingFor(['root'], ['ready-0']));
    expect(await at(0, 'ready')).toBe(1);
    await tellAll();
    expect([await at(0, 'late'), await at(1, 'late')]).toEqual([0, 1]);
    await end(second);
    expect(await at(0, 'late')).toBe(1);
    await nothingForgotten();
  });
});

describe('the failure of a task with many dependents', () => {
  const GRANDCHILDREN = 2;

  async function family(): Promise<ClaimedTask> {
    const root = await running('root');
    const children = names('child', CHILDREN);
    await handIn([
      ...waitingFor(['root'], children),
      ...children.slice(0, PORTION).flatMap((id) => waitingFor([id], names(`grand-${id}`, GRANDCHILDREN))),
    ]);
    return root;
  }

  it('reaches all of them and theirs, portion by portion, and each once', async () => {
    const root = await family();
    await end(root, FAILURE);
    expect(await at(6)).toBe(PORTION);
    expect(await ledger.upkeep.sweep()).toBe(0);
    await tellAll();
    expect(await at(6)).toBe(CHILDREN);
    expect(await at(6, 'grand')).toBe(PORTION * GRANDCHILDREN);
    expect(await mostInOneCommit()).toBeLessThanOrEqual(PORTION + 1);
    const [told] = await ledger.api.query<{ n: number; tasks: number }>(
      `select count(*)::int as n, count(distinct task_id)::int as tasks from events where event_type = 'dependency_failed'`,
    );
    expect(told).toEqual({ n: CHILDREN + PORTION * GRANDCHILDREN, tasks: told?.n });
    expect((await ledger.reader.findTask(`child-${CHILDREN - 1}`))?.error).toBe(
      "Dependency 'root' ended failed.",
    );
    await nothingForgotten();
  });

  it('follows a long chain a few steps in a commit', async () => {
    const root = await running('root');
    const chain = names('child', 60);
    await handIn(chain.flatMap((id, n) => waitingFor([n === 0 ? 'root' : `child-${n - 1}`], [id])));
    await end(root, FAILURE);
    expect(await at(6)).toBeLessThan(chain.length);
    await tellAll();
    expect(await at(6)).toBe(chain.length);
    await nothingForgotten();
  });

  it('fails a new task at once, and leaves the others to their portions', async () => {
    const root = await running('root');
    await handIn(waitingFor(['root'], names('child', CHILDREN)));
    await end(root, FAILURE);
    const [late] = await handIn([...waitingFor(['root'], ['late-0']), ...waitingFor(['late-0'], ['late-1'])]);
    expect(late).toMatchObject({ status: 'failed', error: "Dependency 'root' ended failed." });
    expect(await at(6, 'late')).toBe(2);
    expect(await at(6)).toBe(PORTION);
  });

  it.each([0, 1, 2, 3])('is taken back by a retry, wherever it has got to: %i portions', async (portions) => {
    const root = await family();
    await end(root, FAILURE);
    for (let portion = 0; portion < portions; portion++) await tellMore();
    await Promise.all([
      ledger.endings.retry(ledger.database, 'root', ''),
      tellMore(ledger),
      tellMore(other),
      tellMore(other),
    ]);
    await tellAll();
    expect([await at(1), await at(1, 'grand')]).toEqual([CHILDREN, PORTION * GRANDCHILDREN]);
    const [again] = await ledger.claim('holder');
    expect(again?.id).toBe('root');
    if (again === undefined) return;
    await ledger.start(again);
    await end(again);
    await tellAll();
    expect([await at(0), await at(1, 'grand')]).toEqual([CHILDREN, PORTION * GRANDCHILDREN]);
    await nothingForgotten();
  });
});

describe('many tasks that one waits for', () => {
  it('count once each, when workers of two replicas end them at the same time', async () => {
    const parents = names('parent', 400);
    await handIn([...waitingFor([], parents), ...waitingFor(parents, ['child-0'])]);
    const claimed = await ledger.claim('holder', parents.length);
    for (const task of claimed) await ledger.start(task);
    const ends = claimed.map((task, n) => {
      const replica = n % 2 === 0 ? ledger : other;
      return () =>
        replica.api.get(CoalescedLedger).complete(replica.api.get(Database), proofOf(task), SUCCESS);
    });
    const last = ends.pop();
    await Promise.all(ends.map((one) => one()));
    expect(await at(1)).toBe(1);
    await last?.();
    expect(await at(0)).toBe(1);
    await nothingForgotten();
  });

  it('and many wait for each of them: nobody runs early, nobody is forgotten', async () => {
    const parents = names('parent', 12);
    await handIn([...waitingFor([], parents), ...waitingFor(parents, names('child', PORTION + 100))]);
    const claimed = await ledger.claim('holder', parents.length);
    for (const task of claimed) await ledger.start(task);
    const last = claimed.pop();
    const done = Promise.all(
      claimed.map((task, n) => {
        const replica = n % 2 === 0 ? ledger : other;
        return replica.api.get(CoalescedLedger).complete(replica.api.get(Database), proofOf(task), SUCCESS);
      }),
    );
    const late = handIn(waitingFor(parents, names('child-late', 50)));
    await Promise.all([done, late, tellAll(ledger), tellAll(other)]);
    await Promise.all([tellAll(ledger), tellAll(other)]);
    expect([await at(0), await at(1)]).toEqual([0, PORTION + 150]);
    if (last !== undefined) await end(last);
    await tellAll();
    expect(await at(0)).toBe(PORTION + 150);
    await nothingForgotten();
  });
});

/** Somebody else who keeps a task's row locked, until the end of the test at the latest. */
async function holdRow(id: string) {
  const runner = ledger.api.get(DataSource).createQueryRunner();
  await runner.query('begin');
  await runner.query('select from tasks where id = $1 for update', [id]);
  const [me] = (await runner.query('select pg_backend_pid() as pid')) as { pid: number }[];
  const letGo = async () => {
    if (!held.delete(letGo)) return;
    await runner.query('commit');
    await runner.release();
  };
  held.add(letGo);
  return {
    letGo,
    isWaitedFor: async () => {
      const waiting = await ledger.api.query(
        'select from pg_stat_activity where $1 = any(pg_blocking_pids(pid))',
        [me?.pid],
      );
      return waiting.length > 0 ? true : undefined;
    },
  };
}
