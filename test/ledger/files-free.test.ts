import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';

let api: TestControlPlane;
beforeAll(async () => (api = await startTestControlPlane()));
afterAll(() => api.close());

const enqueue = (task_id: string, required_files: string[], project_id = 'p') =>
  api.post('/v1/tasks/enqueue', { task_id, action: 'x', required_files, project_id });
const claim = async (worker_id: string, max = 10) =>
  (await api.post('/v1/tasks/claim', { worker_id, max, project_id: 'p' })).body.tasks as {
    id: string;
    claim_token: string;
  }[];
const free = async (path: string, reason = '') =>
  (await api.post('/v1/files/free', { project_id: 'p', path, reason })).body;

describe('freeing files', () => {
  it('ends the claims of all who own something of them, and those who wait come next', async () => {
    await enqueue('a', ['src/a.ts']);
    await enqueue('b', ['src/b.ts']);
    await enqueue('docs', ['docs/']);
    const held = await claim('w1');
    expect(held.map(({ id }) => id).sort()).toEqual(['a', 'b', 'docs']);
    await enqueue('waits', ['src/']);
    expect(await claim('w2')).toEqual([]);
    expect(await free('src/*.ts', 'the laptop is gone')).toEqual({ released: ['a', 'b'], kept: [] });
    expect(await free('src/*.ts')).toEqual({ released: [], kept: [] });
    const { claim_token = '' } = held.find(({ id }) => id === 'a') ?? {};
    expect((await api.post('/v1/tasks/a/complete', { worker_id: 'w1', claim_token })).status).toBe(409);
    expect((await api.fetch('/v1/tasks/a')).body).toMatchObject({
      status: 'released',
      error: 'An operator has freed its files: the laptop is gone',
    });
    const next = (await claim('w2')).map(({ id }) => id);
    expect(next.length).toBeGreaterThan(0);
    expect(next).not.toContain('docs');
  });

  it('leaves what a gateway may still be executing, and says so', async () => {
    await enqueue('sent', ['sent.ts']);
    await claim('w1');
    await api.query(
      `update tasks set dispatch_key = 'k', dispatch_gateway_id = 'g' where id = 'sent' and locked_by is not null`,
    );
    expect(await free('sent.ts')).toEqual({ released: [], kept: ['sent'] });
  });

  it('knows no file outside of the project, and no blank one', async () => {
    for (const path of ['../x', ' ']) {
      const { status } = await api.post('/v1/files/free', { project_id: 'p', path });
      expect(status).toBe(400);
    }
    await enqueue('other', ['src/a.ts'], 'q');
    await api.post('/v1/tasks/claim', { worker_id: 'w3', project_id: 'q' });
    expect((await free('src/a.ts')).released).not.toContain('other');
  });
});
