import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from './support/control-plane.js';

let api: TestControlPlane;
beforeAll(async () => (api = await startTestControlPlane()));
afterAll(() => api.close());

it('takes a task through its whole life', async () => {
  const { body } = await api.post('/v1/tasks/enqueue', { action: 'x', task_id: 'a' });
  expect(body.task.status).toBe('queued');
  const claim = await api.post('/v1/tasks/claim', { worker_id: 'w' });
  expect(claim.body.claimed).toBe(true);
  const proof = { worker_id: 'w', claim_token: claim.body.task.claim_token };
  expect((await api.post('/v1/tasks/a/start', proof)).body).toEqual({ ok: true });
  expect((await api.post('/v1/tasks/a/complete', { ...proof, result: { x: 1 } })).body).toEqual({ ok: true });
  expect((await api.fetch('/v1/tasks/a')).body.status).toBe('succeeded');
});
