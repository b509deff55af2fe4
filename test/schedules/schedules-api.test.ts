import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type TestControlPlane } from '../support/control-plane.js';
import { missedSince, put, runDue, show, startWithoutLoop, tasksOf, YEARLY } from './fixture.js';

let api: TestControlPlane;
beforeAll(async () => (api = await startWithoutLoop()));
afterAll(() => api.close());
afterEach(() => api.query('truncate schedules, schedule_occurrences, tasks, events'));

describe('a schedule', () => {
  it('is handed in with defaults, shown, and listed', async () => {
    const { status, body } = await api.post('/v1/schedules', YEARLY);
    expect(status).toBe(200);
    expect(body.schedule.schedule_id).toMatch(/^schedule-[0-9a-f]{12}$/);
    expect(body.schedule).toMatchObject({
      ...{ cron: '0 0 1 1 *', time_zone: 'UTC', catch_up: 'last', overlap: 'skip', enabled: true },
      ...{ start_at: null, end_at: null, last_run_at: null, last_task_id: null, last_skip_reason: null },
    });
    expect(body.schedule.task).toMatchObject({
      action: 'run_tests',
      delivery: 'pull',
      params: {},
      priority: 0,
    });
    const shown = await show(api, body.schedule.schedule_id);
    expect(shown).toMatchObject(body.schedule);
    expect(shown.recent_tasks).toEqual([]);
    expect(shown.next_runs).toHaveLength(5);
    expect(shown.next_runs[0]).toBe(shown.next_run_at);
    for (const run of shown.next_runs) expect(run).toMatch(/^\d{4}-01-01T00:00:00\.000000\+00:00$/);
    expect((await api.fetch('/v1/schedules')).body).toEqual({ schedules: [body.schedule] });
  });

  it('is listed by pages', async () => {
    for (const id of ['c', 'a', 'b']) await put(api, id);
    const ids = (body: { schedules: { schedule_id: string }[] }) =>
      body.schedules.map(({ schedule_id }) => schedule_id);
    const first = (await api.fetch('/v1/schedules?limit=2')).body;
    expect(ids(first)).toEqual(['a', 'b']);
    const second = (await api.fetch(`/v1/schedules?limit=2&cursor=${first.next_cursor}`)).body;
    expect(ids(second)).toEqual(['c']);
    expect(second).not.toHaveProperty('next_cursor');
    expect((await api.fetch('/v1/schedules?limit=0')).body).toEqual({ schedules: [] });
    expect((await api.fetch('/v1/schedules?cursor=x')).status).toBe(422);
  });

  it('is handed in once under one id, and once with one idempotency key', async () => {
    const request = { ...YEARLY, schedule_id: 'mine' };
    const send = () => api.post('/v1/schedules', request, { 'x-idempotency-key': 'k' });
    const first = await send();
    expect((await send()).body).toEqual(first.body);
    const again = await api.post('/v1/schedules', request);
    expect(again.status).toBe(409);
    expect(again.body.type).toBe('urn:skynet:problem:schedule-exists');
  });

  it('follows the wall clock of its time zone', async () => {
    await put(api, 's', {
      ...{ cron: '30 2 * * *', time_zone: 'Europe/Berlin', start_at: '2030-03-30T00:00:00+01:00' },
      end_at: '2030-04-02',
    });
    // On 31 March 2030 there is no 02:30: the clock is put forward from 02:00, at 01:00 UTC.
    expect((await show(api, 's')).next_runs).toEqual([
      '2030-03-30T01:30:00.000000+00:00',
      '2030-03-31T01:00:00.000000+00:00',
      '2030-04-01T00:30:00.000000+00:00',
    ]);
  });

  it('is paused, and goes on from now', async () => {
    await put(api, 's', { cron: '0 * * * *' });
    await missedSince(api, 's', '2 days');
    const paused = await api.post('/v1/schedules/s/pause');
    expect(paused.body.schedule).toMatchObject({ enabled: false, next_run_at: null });
    expect((await show(api, 's')).next_runs).toEqual([]);
    expect((await api.post('/v1/schedules/s/pause')).body).toEqual(paused.body);
    await runDue(api);
    const { body } = await api.post('/v1/schedules/s/resume');
    expect(body.schedule.enabled).toBe(true);
    expect(Date.parse(body.schedule.next_run_at)).toBeGreaterThan(Date.now() - 5_000);
    expect(await tasksOf(api, 's')).toEqual([]);
  });

  it('is triggered, paused or not, and keeps its next time', async () => {
    await put(api, 's', { overlap: 'allow' });
    const before = await show(api, 's');
    const first = (await api.post('/v1/schedules/s/trigger')).body.scheduled_task;
    expect(first.task_id).toMatch(/^s@\d{8}T\d{6}(\.\d{6})?Z$/);
    await api.post('/v1/schedules/s/pause');
    const send = () => api.post('/v1/schedules/s/trigger', undefined, { 'x-idempotency-key': 'k' });
    const second = (await send()).body.scheduled_task;
    expect((await send()).body.scheduled_task).toEqual(second);
    await api.post('/v1/schedules/s/resume');
    const after = await show(api, 's');
    expect(after).toMatchObject({ next_run_at: before.next_run_at, last_task_id: second.task_id });
    expect(after.recent_tasks).toEqual([second, first]);
    expect(await tasksOf(api, 's')).toEqual([first.task_id, second.task_id]);
  });

  it('that is put again with the same times keeps what is due; with others it counts from now', async () => {
    await put(api, 's');
    await api.query(`update schedules set next_at = '2020-05-05'`);
    const due = async () => (await show(api, 's')).next_run_at;
    await put(api, 's', { task: { action: 'other' }, overlap: 'allow' });
    expect(await due()).toBe('2020-05-05T00:00:00.000000+00:00');
    await put(api, 's', { cron: '0 0 2 1 *' });
    expect(Date.parse(await due())).toBeGreaterThan(Date.now());
    expect((await show(api, 's')).task.action).toBe('run_tests');
  });

  it('is put by many at once', async () => {
    const replies = await Promise.all(
      Array.from({ length: 8 }, () => api.call('PUT', '/v1/schedules/s', YEARLY)),
    );
    expect(replies.map(({ status }) => status)).toEqual(Array(8).fill(200));
    expect((await api.fetch('/v1/schedules')).body.schedules).toHaveLength(1);
  });

  it('is deleted, and its tasks stay', async () => {
    await put(api, 's');
    const { task_id } = (await api.post('/v1/schedules/s/trigger')).body.scheduled_task;
    expect((await api.call('DELETE', '/v1/schedules/s')).body).toEqual({ ok: true });
    expect((await api.fetch(`/v1/tasks/${task_id}`)).status).toBe(200);
    expect(await api.query('select * from schedule_occurrences')).toEqual([]);
    expect((await api.call('DELETE', '/v1/schedules/s')).status).toBe(404);
  });

  it('shows a task that has been deleted without a status', async () => {
    await put(api, 's');
    await api.post('/v1/schedules/s/trigger');
    await api.query('delete from tasks');
    expect((await show(api, 's')).recent_tasks).toMatchObject([{ status: null }]);
  });
});

describe('a schedule that makes no sense is refused', () => {
  it.each<[string, object, string[]]>([
    ['a bad expression', { cron: '61 * * * *' }, ['#/cron']],
    ['an expression without an hour', { cron: '5' }, ['#/cron']],
    ['a bad expression and a bad zone', { cron: 'x', time_zone: 'Mars/Olympus' }, ['#/cron', '#/time_zone']],
    ['an offset for a zone', { time_zone: '+02:00' }, ['#/time_zone']],
    ['a day that never comes', { cron: '0 0 30 2 *' }, ['#/cron']],
    ['a beginning in a hundred years', { start_at: '2130-01-01' }, ['#/cron']],
    ['an end before the beginning', { start_at: '2030-01-01', end_at: '2029-01-01' }, ['#/end_at']],
    ['a bad instant', { start_at: 'soon' }, ['#/start_at']],
    ['an unknown policy', { catch_up: 'some', overlap: 'queue' }, ['#/catch_up', '#/overlap']],
    ['a task without an action', { task: { params: {} } }, ['#/task/action']],
    ['no task', { task: null }, ['#/task']],
    [
      'a file outside of the project',
      { task: { action: 'a', required_files: ['x', '../y'] } },
      ['#/task/required_files/1'],
    ],
  ])('%s', async (_what, more, pointers) => {
    const { status, body } = await api.post('/v1/schedules', { ...YEARLY, ...more });
    expect(status).toBe(422);
    expect(body.type).toBe('urn:skynet:problem:invalid-request');
    expect(body.errors.map((error: { pointer: string }) => error.pointer)).toEqual(pointers);
    expect(await api.query('select * from schedules')).toEqual([]);
  });

  it('an id that is too long for its tasks', async () => {
    const id = 'x'.repeat(151);
    expect((await api.post('/v1/schedules', { ...YEARLY, schedule_id: id })).status).toBe(422);
    expect((await api.call('PUT', `/v1/schedules/${id}`, YEARLY)).status).toBe(422);
    expect((await api.call('PUT', '/v1/schedules/%20', YEARLY)).status).toBe(422);
  });

  it.each(['pause', 'resume', 'trigger'])('%s of one that is not there', async (verb) => {
    const { status, body } = await api.post(`/v1/schedules/none/${verb}`);
    expect(status).toBe(404);
    expect(body).toMatchObject({
      type: 'urn:skynet:problem:schedule-not-found',
      detail: 'Schedule not found',
    });
    expect((await api.fetch('/v1/schedules/none')).status).toBe(404);
  });
});
