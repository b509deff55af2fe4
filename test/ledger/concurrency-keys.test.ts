import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type ClaimedTask } from '../../src/control-plane/ledger/index.js';
import { emptyLedger, expectKeysInOrder, idsOf, keyed, proofOf } from '../support/keyed.js';
import { type Db, type Tx } from '../../src/platform/database/database.js';
import { startTestLedger, type TestLedger } from '../support/ledger.js';

let ledger: TestLedger;
beforeAll(async () => (ledger = await startTestLedger()));
afterAll(() => ledger.api.close());
afterEach(() => emptyLedger(ledger));

const files = (...names: string[]) => ({ requiredFiles: names });
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
    await expectKeysInOrder(ledger);
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
    await expectKeysInOrder(ledger);
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
    await expectKeysInOrder(ledger);
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
    await expectKeysInOrder(ledger);
    expect(await claimed()).toEqual(['b']);
  });

  it('goes back to a task that is released, which came first', async () => {
    await ledger.enqueue('a', keyed('k'));
    await ledger.enqueue('b', keyed('k'));
    const [held] = await ledger.claim('w', 10);
    if (held) await release(held);
    expect(await gates()).toEqual({ a: 0, b: 4 });
    expect(await claimed()).toEqual(['a']);
    await expectKeysInOrder(ledger);
  });

  it('passes on when who was woken for it is cancelled', async () => {
    for (const id of ['a', 'b', 'c', 'd']) await ledger.enqueue(id, keyed('k'));
    const [held] = await ledger.claim('w', 10);
    await cancel('c');
    if (held) await ledger.finish(held);
    expect(await gates()).toMatchObject({ b: 0, d: 4 });
    await cancel('b');
    expect(await gates()).toMatchObject({ d: 0 });
    await expectKeysInOrder(ledger);
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
    await expectKeysInOrder(ledger);
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
    await expectKeysInOrder(ledger);
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
    await expectKeysInOrder(ledger);
    // It is woken for the key, finds the file owned, and hands the key to the next.
    if (holder) await ledger.finish(holder);
    expect(await gates()).toMatchObject({ both: 0, 'key-only': 4 });
    expect(await claimed()).toEqual(['key-only']);
    expect(await gates()).toMatchObject({ both: 2 });
    await expectKeysInOrder(ledger);
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
    await expectKeysInOrder(ledger);
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
    await expectKeysInOrder(ledger);
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
