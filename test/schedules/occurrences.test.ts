import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { SchedulesLoop } from '../../src/control-plane/schedules/schedules.loop.js';
import { type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { missedSince, put, runDue, show, startWithoutLoop, tasksOf } from './fixture.js';

let one: TestControlPlane;
let other: TestControlPlane;
beforeAll(async () => {
  one = await startWithoutLoop();
  other = await startWithoutLoop({ databaseUrl: one.databaseUrl });
});
afterAll(async () => {
  await other.close();
  await one.close();
});
afterEach(() => one.query('truncate schedules, schedule_occurrences, tasks, events'));

/** A schedule of every minute. */
const putMinutely = (id: string, more: object = {}) => put(one, id, { cron: '* * * * *', ...more });

async function newestTask(id: string): Promise<string> {
  return (await tasksOf(one, id)).at(-1) ?? 'none';
}

async function end(taskId: string): Promise<void> {
  await one.post(`/v1/tasks/${taskId}/cancel`);
}

describe('an occurrence', () => {
  it('has exactly one task, whoever looks and however often', async () => {
    const ids = Array.from({ length: 12 }, (_, index) => `s${index}`);
    for (const id of ids) await putMinutely(id, { catch_up: 'all', overlap: 'allow' });
    for (const id of ids) await missedSince(one, id, '3 minutes');
    await Promise.all([one, other, one, other, one, other].map(runDue));
    for (const id of ids) {
      const tasks = await tasksOf(one, id);
      expect(tasks.length).toBeGreaterThanOrEqual(4);
      expect(new Set(tasks).size).toBe(tasks.length);
      expect(tasks).toEqual([...tasks].sort());
      const { recent_tasks: recent } = await show(one, id);
      expect(recent.map((task: { task_id: string }) => task.task_id)).toEqual([...tasks].reverse());
    }
    const [row] = await one.query<{ doubled: boolean }>(
      `select count(*) <> count(distinct task_id) as doubled from events where event_type = 'enqueued'`,
    );
    expect(row?.doubled).toBe(false);
  });

  it('hands in the task that the schedule describes, and says who did', async () => {
    await putMinutely('s', {
      task: { action: 'build', params: { x: [1] }, priority: 7, required_files: ['a.txt'], lease_seconds: 9 },
    });
    await missedSince(one, 's', '0 seconds');
    await runDue(one);
    const { last_run_at: at, last_task_id: id } = await show(one, 's');
    expect(id).toBe(`s@${String(at).slice(0, 19).replaceAll(/[-:]/g, '')}Z`);
    expect((await one.fetch(`/v1/tasks/${id}`)).body).toMatchObject({
      ...{ action: 'build', params: { x: [1] }, priority: 7, required_files: ['a.txt'], lease_seconds: 9 },
      ...{ status: 'queued', submitted_by: 'schedule:s', next_attempt_at: null },
    });
  });

  it('is not lost and not doubled when the replica that makes its task dies before the commit', async () => {
    await putMinutely('s');
    await missedSince(one, 's', '0 seconds');
    // The task has been written, but not committed, when the replica comes to this table.
    const wall = new pg.Client({ connectionString: one.databaseUrl });
    await wall.connect();
    await wall.query('begin; lock table schedule_occurrences in exclusive mode');
    const dying = runDue(one).catch((error: unknown) => error);
    const pid = await eventually('it stands before the wall', async () => {
      const [row] = await other.query<{ pid: number }>(
        `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return row?.pid;
    });
    expect(await tasksOf(other, 's')).toEqual([]);
    // Meanwhile the schedule is its: nobody else runs it, and nobody waits.
    await runDue(other);
    expect(await tasksOf(other, 's')).toEqual([]);
    await other.query('select pg_terminate_backend($1::int)', [pid]);
    await wall.query('rollback');
    await wall.end();
    await dying;
    await runDue(other);
    await runDue(one);
    expect(await tasksOf(one, 's')).toHaveLength(1);
    expect((await show(one, 's')).recent_tasks).toHaveLength(1);
  });

  it('holds up no other when it cannot be made', async () => {
    await putMinutely('broken');
    await putMinutely('whole');
    await one.query(`update schedules set time_zone = 'Mars/Olympus' where schedule_id = 'broken'`);
    await missedSince(one, 'broken', '2 minutes');
    await missedSince(one, 'whole', '0 seconds');
    const inMs = await runDue(one);
    expect(await tasksOf(one, 'whole')).toHaveLength(1);
    expect(await tasksOf(one, 'broken')).toEqual([]);
    // Nor does it keep the loop from sleeping.
    expect(inMs).toBeGreaterThan(0);
  });

  it('is told as left out when the ledger refuses its task', async () => {
    await putMinutely('s');
    await missedSince(one, 's', '0 seconds');
    const [row] = await one.query<{ id: string }>(
      `select 's@' || to_char(next_at at time zone 'UTC', 'YYYYMMDD"T"HH24MISS"Z"') as id from schedules`,
    );
    const taken = row?.id ?? '';
    await one.post('/v1/tasks/enqueue', { action: 'mine', task_id: taken });
    await runDue(one);
    const schedule = await show(one, 's');
    expect(schedule.last_skip_reason).toBe(`Task '${taken}' already exists.`);
    expect(schedule.recent_tasks).toEqual([]);
    expect(Date.parse(schedule.next_run_at)).toBeGreaterThan(Date.parse(schedule.last_skipped_at));
  });

  it('comes by itself, within a second, and again', async () => {
    const loops = [one.get(SchedulesLoop), other.get(SchedulesLoop)];
    for (const loop of loops) loop.start();
    await put(one, 's', { cron: '* * * * * *', overlap: 'allow' });
    await eventually('it has come twice', async () =>
      (await tasksOf(one, 's')).length >= 2 ? true : undefined,
    );
    for (const loop of loops) await loop.stop();
    const rows = await one.query<{ late: number }>(
      `select extract(epoch from t.created_at - o.occurs_at)::float8 as late
       from schedule_occurrences o join tasks t on t.id = o.task_id`,
    );
    for (const { late } of rows) {
      expect(late).toBeGreaterThanOrEqual(0);
      expect(late).toBeLessThan(1);
    }
  });
});

it('an occurrence whose files somebody owns queues for them', async () => {
  await putMinutely('s', { task: { action: 'a', required_files: ['a.txt'] } });
  await one.post('/v1/tasks/enqueue', { action: 'a', task_id: 'holder', required_files: ['a.txt'] });
  await one.post('/v1/tasks/claim', { worker_id: 'w' });
  await missedSince(one, 's', '0 seconds');
  await runDue(one);
  const waits = await one.query('select t.id from file_waits w join tasks t on t.seq = w.task_seq');
  expect(waits).toEqual([{ id: await newestTask('s') }]);
  await one.query('truncate file_locks, file_waits, file_conflicts');
});

describe('what was missed', () => {
  it.each<[string, string, number, boolean]>([
    ['none', '2 hours', 1, true],
    ['last', '2 hours', 1, true],
    ['all', '20 minutes', 21, false],
    ['all', '2 days', 100, true],
  ])('with catch_up %s after %s has led to %i tasks', async (catch_up, ago, count, dropped) => {
    await putMinutely('s', { catch_up, overlap: 'allow' });
    await missedSince(one, 's', ago);
    await runDue(one);
    const tasks = await tasksOf(one, 's');
    // The minute may have turned meanwhile.
    expect(tasks.length).toBeGreaterThanOrEqual(count);
    expect(tasks.length).toBeLessThanOrEqual(count + 1);
    const { last_skip_reason, last_run_at, next_run_at } = await show(one, 's');
    expect(last_skip_reason).toBe(dropped ? `Its time had passed, and catch_up is ${catch_up}.` : null);
    expect(Date.parse(next_run_at) - Date.parse(last_run_at)).toBe(60_000);
  });

  it('is made up for by last but not by none when it is long ago', async () => {
    for (const catch_up of ['none', 'last']) {
      await put(one, catch_up, { catch_up });
      await missedSince(one, catch_up, '2 minutes');
      await runDue(one);
    }
    expect(await tasksOf(one, 'none')).toEqual([]);
    expect(await tasksOf(one, 'last')).toHaveLength(1);
    expect((await show(one, 'none')).last_skipped_at).not.toBeNull();
  });

  it('does not hold up the loop, were it millions', async () => {
    await put(one, 's', { cron: '* * * * * *', catch_up: 'all', overlap: 'allow', enabled: false });
    await one.query(`update schedules set enabled = true, next_at = now() - interval '60 days'`);
    await runDue(one);
    const tasks = await tasksOf(one, 's');
    expect(tasks.length).toBeGreaterThanOrEqual(100);
    expect(tasks.length).toBeLessThan(110);
  });

  it('is forgotten beyond the latest hundred tasks of a schedule', async () => {
    await putMinutely('s', { catch_up: 'all', overlap: 'allow' });
    for (const ago of ['2 days', '30 minutes']) {
      await missedSince(one, 's', ago);
      if (ago === '30 minutes') await one.query('delete from tasks');
      await runDue(one);
    }
    const [row] = await one.query<{ kept: number }>('select count(*)::int as kept from schedule_occurrences');
    expect(row?.kept).toBe(100);
  });
});

describe('an occurrence while the task of an earlier one has not ended', () => {
  async function occurTwice(overlap: string): Promise<[string, string]> {
    await putMinutely('s', { overlap });
    await missedSince(one, 's', '5 minutes');
    await runDue(one);
    const first = await newestTask('s');
    // Otherwise this would be the same occurrence.
    await one.query(
      `update tasks set id = 'first'; update schedule_occurrences set task_id = 'first', occurs_at = now() - interval '9 min'`,
    );
    await missedSince(one, 's', '0 seconds');
    await runDue(one);
    return [first, await newestTask('s')];
  }

  it('is left out with skip, until that has ended', async () => {
    await occurTwice('skip');
    expect(await tasksOf(one, 's')).toEqual(['first']);
    const reason = "Task 'first' of an earlier occurrence has not ended.";
    expect((await show(one, 's')).last_skip_reason).toBe(reason);
    const refused = await one.post('/v1/schedules/s/trigger');
    expect(refused.status).toBe(409);
    expect(refused.body).toMatchObject({ type: 'urn:skynet:problem:schedule-overlaps', detail: reason });
    await end('first');
    await missedSince(one, 's', '0 seconds');
    await runDue(one);
    expect(await tasksOf(one, 's')).toHaveLength(2);
  });

  it('runs beside it with allow', async () => {
    const [, second] = await occurTwice('allow');
    expect(await tasksOf(one, 's')).toEqual(['first', second]);
    expect((await one.fetch('/v1/tasks/first')).body.status).toBe('queued');
  });

  it('takes its place with cancel_previous', async () => {
    const [, second] = await occurTwice('cancel_previous');
    expect((await one.fetch('/v1/tasks/first')).body).toMatchObject({
      status: 'failed',
      error: "The next occurrence of schedule 's' has come.",
    });
    expect((await one.fetch(`/v1/tasks/${second}`)).body.status).toBe('queued');
  });

  it('is not left out because of many that were, since those are not counted', async () => {
    await putMinutely('s', { overlap: 'skip' });
    await missedSince(one, 's', '0 seconds');
    await runDue(one);
    const [first] = await tasksOf(one, 's');
    for (let round = 0; round < 120; round++) {
      await one.query(`update schedules set next_at = date_trunc('minute', now())`);
      await runDue(one);
    }
    expect(await tasksOf(one, 's')).toEqual([first]);
  });
});

it('a system whose schedules are not due writes nothing', async () => {
  await put(one, 'far');
  await eventually('ten looks have gone by without a transaction id', async () => {
    const xid = async () =>
      (await one.query<{ xid: string }>('select pg_snapshot_xmax(pg_current_snapshot())::text as xid'))[0]
        ?.xid;
    const before = await xid();
    for (let look = 0; look < 10; look++) expect(await runDue(one)).toBeGreaterThan(0);
    return (await xid()) === before ? true : undefined;
  });
});
