import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { startTestLedger, type TestLedger } from '../support/ledger.js';

const FAR = '2126-01-31T10:00:00+01:00';
const FAR_AS_SHOWN = '2126-01-31T09:00:00.000000+00:00';

let ledger: TestLedger;
let api: TestControlPlane;
beforeAll(async () => {
  // Polls too seldom to be of help: what becomes ready does so because of the alarm.
  ledger = await startTestLedger({ env: { SKYNET_CONTROL_SCHEDULER_POLL_SECS: '600' } });
  api = ledger.api;
});
afterAll(() => api.close());
afterEach(() => api.query(`delete from tasks`));

const soon = (ms: number) => new Date(Date.now() + ms).toISOString();

/** Lets the time of a task come. */
async function letComeDue(id: string): Promise<void> {
  await api.query(`update tasks set next_attempt_at = now() where id = $1`, [id]);
  await ledger.upkeep.promoteDue();
}

async function claimOnly() {
  const [task] = await ledger.claim();
  if (task === undefined) throw new Error('There should be a task to claim.');
  return task;
}

describe('a task with run_at', () => {
  it('waits for its time, and shows it', async () => {
    const { status, body } = await api.post('/v1/tasks/enqueue', { action: 'a', task_id: 't', run_at: FAR });
    expect(status).toBe(200);
    expect(body.task).toMatchObject({ status: 'queued', next_attempt_at: FAR_AS_SHOWN });
    expect((await api.fetch('/v1/tasks/t')).body).toEqual(body.task);
    expect(await ledger.gate('t')).toBe(3);
    expect(await ledger.claim()).toEqual([]);
    await letComeDue('t');
    expect((await ledger.claim())[0]?.id).toBe('t');
  });

  it('becomes ready at its time without a poll', async () => {
    await api.post('/v1/tasks/enqueue', { action: 'a', task_id: 't', run_at: soon(400) });
    expect(await ledger.gate('t')).toBe(3);
    await eventually('it is ready', async () => ((await ledger.gate('t')) === 0 ? true : undefined), 5_000);
    const [row] = await api.query<{ late: number }>(
      `select extract(epoch from updated_at - next_attempt_at)::float8 as late from tasks`,
    );
    expect(row?.late).toBeGreaterThanOrEqual(0);
    expect(row?.late).toBeLessThan(1);
  });

  it.each([null, undefined, '2020-01-01', '2020-01-01T00:00:00 02:00'])(
    'is ready at once when that is %j',
    async (run_at) => {
      const { body } = await api.post('/v1/tasks/enqueue', { action: 'a', task_id: 't', run_at });
      expect(body.task.next_attempt_at).toBeNull();
      expect((await ledger.claim())[0]?.id).toBe('t');
    },
  );

  it.each(['tomorrow', '', 5, {}, '0000-01-01', '2026-02-30T25:00'])('is refused with %j', async (run_at) => {
    const one = await api.post('/v1/tasks/enqueue', { action: 'a', run_at });
    expect(one.status).toBe(422);
    expect(one.body.detail).toMatchObject([
      {
        loc: ['body', 'run_at'],
        type: 'datetime_from_date_parsing',
        msg: 'Input should be a valid datetime',
      },
    ]);
    const many = await api.post('/v1/tasks/batch', { tasks: [{ action: 'a' }, { action: 'a', run_at }] });
    expect(many.status).toBe(422);
    expect(many.body.errors).toMatchObject([{ pointer: '#/tasks/1/run_at' }]);
  });

  it('waits in a batch like alone, and after its dependencies when those take longer or less', async () => {
    const { body } = await api.post('/v1/tasks/batch', {
      tasks: [
        { action: 'a', task_id: 'parent' },
        { action: 'a', task_id: 'later', dependencies: ['parent'], run_at: FAR },
        { action: 'a', task_id: 'past', dependencies: ['parent'], run_at: '2020-01-01' },
        { action: 'a', task_id: 'alone', run_at: FAR },
      ],
    });
    expect(body.tasks.map((task: { next_attempt_at: string | null }) => task.next_attempt_at)).toEqual([
      ...[null, FAR_AS_SHOWN, null, FAR_AS_SHOWN],
    ]);
    const gates = () => Promise.all(['parent', 'later', 'past', 'alone'].map((id) => ledger.gate(id)));
    expect(await gates()).toEqual([0, 1, 1, 3]);
    await ledger.finish(await claimOnly());
    expect(await gates()).toEqual([null, 3, 0, 3]);
    await ledger.finish(await claimOnly());
    expect(await ledger.claim()).toEqual([]);
    await letComeDue('later');
    expect((await claimOnly()).id).toBe('later');
  });

  it('is noticed by the alarm when its dependency ends shortly before its time', async () => {
    await ledger.enqueue('parent');
    await ledger.enqueue('child', { dependencies: ['parent'], runAt: soon(500) });
    await ledger.finish(await claimOnly());
    expect(await ledger.gate('child')).toBe(3);
    await eventually(
      'it is ready',
      async () => ((await ledger.gate('child')) === 0 ? true : undefined),
      5_000,
    );
  });

  it('queues for its files only once it is due', async () => {
    await ledger.enqueue('holder', { requiredFiles: ['a.txt'] });
    const holder = await claimOnly();
    await ledger.enqueue('delayed', { requiredFiles: ['a.txt'], runAt: FAR });
    expect(await ledger.gate('delayed')).toBe(3);
    expect(await api.query('select * from file_waits')).toEqual([]);
    await letComeDue('delayed');
    expect(await ledger.claim()).toEqual([]);
    expect(await ledger.gate('delayed')).toBe(2);
    await ledger.finish(holder);
    expect((await claimOnly()).id).toBe('delayed');
  });

  it('fails with its dependency, and waits again when that is retried', async () => {
    await ledger.enqueue('parent');
    await ledger.enqueue('child', { dependencies: ['parent'], runAt: FAR });
    await ledger.finish(await claimOnly(), false);
    expect(await ledger.status('child')).toBe('failed');
    await api.post('/v1/tasks/parent/retry');
    await ledger.finish(await claimOnly());
    expect(await ledger.gate('child')).toBe(3);
  });

  it('can be cancelled while it waits', async () => {
    await ledger.enqueue('t', { runAt: FAR });
    expect((await api.post('/v1/tasks/t/cancel')).body.task).toMatchObject({
      status: 'failed',
      next_attempt_at: null,
    });
  });
});
