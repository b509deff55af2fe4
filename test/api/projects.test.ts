import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { routesOf } from '../support/routes.js';

let api: TestControlPlane;
const root = { 'x-api-key': 'root' };
let mine: Record<string, string>;

/** Sends what must be taken in, or the rest would say nothing. */
const accepted = async (path: string, body: object, headers: Record<string, string> = root) => {
  const { status, text, body: answer } = await api.post(path, body, headers);
  expect([path, status, text]).toEqual([path, 200, text]);
  return answer;
};
let theirJob: string;

beforeAll(async () => {
  api = await startTestControlPlane({ env: { SKYNET_API_KEY: 'root', SKYCLAW_TOKEN: 'token' } });
  const { secret } = await accepted('/v1/keys', { label: 'mine', scopes: ['admin'], project_id: 'mine' });
  mine = { authorization: `Bearer ${secret}` };
  // What the key must neither see nor touch: a held task with a file, one that waits for it, and one that is ready.
  const task = { action: 'secret-theirs', project_id: 'theirs' };
  const required_files = ['theirs.ts'];
  await accepted('/v1/tasks/enqueue', { ...task, task_id: 'theirs-held', required_files });
  await accepted('/v1/tasks/enqueue', { ...task, task_id: 'theirs-waits', required_files });
  await accepted('/v1/tasks/claim', { worker_id: 'theirs-worker', max: 2 });
  await accepted('/v1/tasks/enqueue', { ...task, task_id: 'theirs-ready' });
  await accepted('/v1/schedules', { schedule_id: 'theirs-schedule', cron: '0 0 1 1 *', task });
  const job = { payload: { kind: 'shell', command: 'theirs' }, projectId: 'theirs' };
  theirJob = (await accepted('/v1/jobs', job, { 'x-skyclaw-token': 'token' })).job.id;
});
afterAll(() => api.close());

/** All rows of tables that say something of the other project. */
const stateOfTheirs = () =>
  api.query(
    `select (select json_agg(t order by t.id) from tasks t where t.project_id <> 'mine') as tasks,
       (select json_agg(s) from schedules s) as schedules, (select json_agg(p) from pauses p) as pauses,
       (select count(*) from events e) as events`,
  );

describe('a key of one project', () => {
  it('finds nothing of another project on any route, and changes nothing of it', async () => {
    const before = await stateOfTheirs();
    const routes = routesOf(api.server).filter((route) => / \/(?:v1\/(?!public\/)|metrics)/.test(route));
    const told: string[] = [];
    for (const route of routes) {
      const [method = '', path = ''] = route.split(' ');
      if (route === 'GET /v1/events/stream') continue;
      for (const id of [
        'theirs-held',
        'theirs-ready',
        'theirs-schedule',
        'theirs-worker',
        'theirs',
        theirJob,
        // No id of anything, and no text that PostgreSQL could look for.
        '%00',
      ]) {
        const at = path.replaceAll(/:\w+/g, id);
        const bodies =
          method === 'GET' || method === 'HEAD' || method === 'DELETE'
            ? [undefined]
            : [
                {
                  task_id: id,
                  worker_id: 'theirs-worker',
                  project_id: 'theirs',
                  claim_token: 'x',
                  action: 'x',
                },
                {
                  tasks: [{ task_id: id, action: 'x', project_id: 'theirs' }],
                  items: [{ task_id: id, claim_token: 'x' }],
                  worker_id: 'w',
                },
                {
                  action: 'x',
                  dependencies: ['theirs-ready'],
                  reason: 'x',
                  label: 'x',
                  scopes: ['admin'],
                  project_id: 'theirs',
                },
              ];
        for (const body of bodies) {
          for (const query of method === 'GET'
            ? ['', '?project_id=theirs', '?project_id=mine&project_id=theirs&agent_id=w', `?task_id=${id}`]
            : ['']) {
            const { status, text } = await api.call(method, at + query, body, mine);
            if (status < 400 && text.includes('theirs'))
              told.push(`${method} ${at}${query}: ${status} ${text}`);
            expect([route, id, status < 500]).toEqual([route, id, true]);
          }
        }
      }
    }
    expect(told).toEqual([]);
    expect(await stateOfTheirs()).toEqual(before);
  });

  it('cannot name another project, and need not name its own', async () => {
    const { body } = await api.post('/v1/tasks/enqueue', { action: 'a', task_id: 'mine-1' }, mine);
    expect(body.task).toMatchObject({ id: 'mine-1', project_id: 'mine' });
    const batch = {
      tasks: [
        { action: 'a', task_id: 'mine-2', dependencies: ['mine-1'] },
        { action: 'a', project_id: 'mine' },
      ],
    };
    expect((await api.post('/v1/tasks/batch', batch, mine)).body.tasks).toHaveLength(2);
    expect(await api.post('/v1/tasks/enqueue', { action: 'a', project_id: 'theirs' }, mine)).toMatchObject({
      status: 403,
      body: { detail: "This key is for the project 'mine' alone." },
    });
    expect(
      (await api.post('/v1/tasks/enqueue', { action: 'a', dependencies: ['theirs-ready'] }, mine)).status,
    ).toBe(404);
    const listed = (await api.fetch('/v1/tasks', mine)).body.tasks as { project_id: string }[];
    expect(new Set(listed.map(({ project_id }) => project_id))).toEqual(new Set(['mine']));
    expect((await api.fetch('/v1/tasks?project_id=theirs', mine)).status).toBe(403);
    expect((await api.fetch('/v1/tasks/theirs-ready', mine)).body).toEqual({ detail: 'Task not found' });
    expect((await api.fetch('/v1/system-state', mine)).body).toEqual({
      detail: 'A key of one project cannot do that: it concerns all projects.',
    });
    const events = (await api.fetch('/v1/events?limit=1000', mine)).body.events as { task_id: string }[];
    expect(events.length).toBeGreaterThan(0);
    expect(events.every(({ task_id }) => !task_id.startsWith('theirs'))).toBe(true);
  });

  it('has schedules and jobs of its own', async () => {
    const schedule = { schedule_id: 'mine-schedule', cron: '0 0 1 1 *', task: { action: 'a' } };
    expect((await api.post('/v1/schedules', schedule, mine)).body.schedule.task.project_id).toBe('mine');
    const { body } = await api.fetch('/v1/schedules', mine);
    const ids = body.schedules.map(({ schedule_id }: { schedule_id: string }) => schedule_id);
    expect(ids).toEqual(['mine-schedule']);
    const put = (id: string) =>
      api.call('PUT', `/v1/schedules/${id}`, { cron: '0 0 1 1 *', task: { action: 'b' } }, mine);
    expect([(await put('mine-schedule')).status, (await put('theirs-schedule')).status]).toEqual([200, 404]);
    const job = { payload: { kind: 'shell', command: 'true' } };
    const { id } = (await api.post('/v1/jobs', job, mine)).body.job;
    const listed = (await api.fetch('/v1/jobs', mine)).body.jobs as { id: string }[];
    expect(listed.map((one) => one.id)).toEqual([id]);
    const [row] = await api.query('select project_id from tasks where id = $1', [id]);
    expect(row).toEqual({ project_id: 'mine' });
  });

  it('claims tasks of its own project alone', async () => {
    const claim = async () =>
      (await api.post('/v1/tasks/claim', { worker_id: 'w', max: 10 }, mine)).body.tasks as {
        id: string;
        project_id: string;
        claim_token: string;
      }[];
    const tasks = await claim();
    expect(tasks.map(({ project_id }) => project_id)).toEqual(['mine', 'mine']);
    expect(await claim()).toEqual([]);
    expect((await api.fetch('/v1/tasks/next?agent_id=w', mine)).body).toMatchObject({
      eligible: false,
      task: null,
    });
    for (const { id, claim_token } of tasks) {
      await api.post(`/v1/tasks/${id}/start`, { worker_id: 'w', claim_token }, mine);
      const end = await api.post(
        `/v1/tasks/${id}/complete`,
        { worker_id: 'w', claim_token, claim_next: {} },
        mine,
      );
      const { next } = end.body;
      expect(next.task === null || next.task.project_id === 'mine').toBe(true);
    }
  });
});
