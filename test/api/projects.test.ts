import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { routesOf } from '../support/routes.js';

let api: TestControlPlane;
const root = { 'x-api-key': 'root' };
let mine: Record<string, string>;

beforeAll(async () => {
  api = await startTestControlPlane({ env: { SKYNET_API_KEY: 'root', SKYCLAW_TOKEN: 'token' } });
  const request = { label: 'mine', scopes: ['admin'], project_id: 'mine' };
  const { secret } = (await api.post('/v1/keys', request, root)).body;
  mine = { authorization: `Bearer ${secret}` };
  // What the key must neither see nor touch: a held task with a file, one that waits for it, and one that is ready.
  for (const [task_id, required_files] of [
    ['theirs-held', ['theirs.ts']],
    ['theirs-waits', ['theirs.ts']],
    ['theirs-ready', []],
  ]) {
    await api.post(
      '/v1/tasks/enqueue',
      { task_id, action: 'secret-theirs', project_id: 'theirs', required_files },
      root,
    );
  }
  await api.post('/v1/tasks/claim', { worker_id: 'theirs-worker', max: 1 }, root);
  await api.post(
    '/v1/schedules',
    { id: 'theirs-schedule', cron: '0 0 1 1 *', task: { action: 'secret-theirs', project_id: 'theirs' } },
    root,
  );
  await api.post('/v1/projects/theirs/pause', { reason: 'secret-theirs' }, root);
  await api.post('/v1/projects/theirs/resume', {}, root);
  await api.post(
    '/v1/jobs',
    { payload: { command: 'theirs' }, requirement: { requiredCapabilities: ['theirs'] } },
    root,
  );
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
      for (const id of ['theirs-held', 'theirs-ready', 'theirs-schedule', 'theirs', 'theirs-worker']) {
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
            expect(status).toBeLessThan(500);
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
