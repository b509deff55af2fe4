import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';

let api: TestControlPlane;
beforeAll(async () => (api = await startTestControlPlane()));
afterAll(() => api.close());

interface Claimed {
  readonly id: string;
  readonly project_id: string;
}
const enqueue = (project_id: string, more: object = {}) =>
  api.post('/v1/tasks/enqueue', { action: 'x', project_id, ...more });
const claim = async (worker_id: string, more: object) =>
  ((await api.post('/v1/tasks/claim', { worker_id, max: 1, ...more })).body.tasks ?? []) as Claimed[];

describe('a claim for one project', () => {
  it('finds its tasks behind those of others, with and without files, in the order of service', async () => {
    for (let n = 0; n < 30; n++) await enqueue(`other-${n}`, { priority: 9 });
    await enqueue('mine', { task_id: 'plain' });
    await enqueue('mine', { task_id: 'urgent', priority: 5, required_files: ['a'] });
    await enqueue('mine', { task_id: 'blocked', priority: 4, required_files: ['a'] });
    const next = await api.fetch('/v1/tasks/next?agent_id=w&project_id=mine');
    expect(next.body.task.id).toBe('urgent');
    const ids = [];
    for (let n = 0; n < 4; n++) ids.push(...(await claim('w', { project_id: 'mine' })).map(({ id }) => id));
    expect(ids).toEqual(['urgent', 'plain']);
    expect((await api.fetch('/v1/tasks/next?agent_id=w&project_id=mine')).body.eligible).toBe(false);
    await api.post('/v1/projects/paused/pause');
    await enqueue('paused');
    expect(await claim('w', { project_id: 'paused' })).toEqual([]);
  });

  it('waits for one of its own, whatever else comes', async () => {
    const waiting = claim('patient', { project_id: 'late', wait_ms: 20_000 });
    await enqueue('another');
    await enqueue('late', { task_id: 'at-last' });
    expect((await waiting).map(({ id }) => id)).toEqual(['at-last']);
  });

  it('never gets what was claimed beside it in the same moment by the same worker', async () => {
    const projects = ['one', 'two', null];
    for (let n = 0; n < 60; n++) await enqueue(n % 2 === 0 ? 'one' : 'two');
    const claims = await Promise.all(
      Array.from({ length: 60 }, async (_, n) => {
        const project_id = projects[n % 3] ?? null;
        return { project_id, tasks: await claim('same', { project_id }) };
      }),
    );
    const wrong = claims.filter(
      ({ project_id, tasks }) => project_id !== null && tasks.some((task) => task.project_id !== project_id),
    );
    expect(wrong).toEqual([]);
    const told = claims.flatMap(({ tasks }) => tasks.map(({ id }) => id));
    const held = await api.query<{ id: string }>(`select id from tasks where locked_by = 'same'`);
    expect(told.sort()).toEqual(held.map(({ id }) => id).sort());
  });
});
