import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { Caller, shell } from './fixture.js';

let api: TestControlPlane;
let caller: Caller;
beforeAll(async () => {
  api = await startTestControlPlane();
  caller = new Caller(api);
  await caller.register('able', { capabilities: ['x', 'y'], maxParallel: 100 });
  await caller.register('unable', { capabilities: [], maxParallel: 100 });
});
afterAll(() => api.close());

const submit = async (capability: string, count: number) => {
  const ids = [];
  for (let n = 0; n < count; n++) {
    const requirement = { requiredCapabilities: [capability] };
    ids.push((await caller.submit({ payload: shell(), requirement })).id);
  }
  return ids;
};

it('a guess of where the only jobs are gives them to nobody who cannot do them', async () => {
  const ids = await submit('x', 8);
  expect((await caller.claim('able'))?.id).toBe(ids[0]);
  for (let n = 1; n < 4; n++) {
    expect(await caller.claim('unable')).toBeNull();
    expect((await caller.claim('able'))?.id).toBe(ids[n]);
  }
  const together = await Promise.all(
    ['unable', 'able', 'unable', 'able', 'unable'].map((host) => caller.claim(host)),
  );
  const claimed = together.map((job) => job?.id ?? null);
  expect(claimed.map((id) => id !== null)).toEqual([false, true, false, true, false]);
  expect(claimed.filter((id) => id !== null).sort()).toEqual(ids.slice(4, 6));
});

it('a guess that has become wrong hides nothing', async () => {
  const others = await submit('y', 2);
  await api.post('/v1/tasks/enqueue', { action: 'a', task_id: 'task' });
  expect((await api.post('/v1/tasks/claim', { worker_id: 'w' })).body.task.id).toBe('task');
  const claimed = [];
  for (let n = 0; n < 4; n++) claimed.push((await caller.claim('able'))?.id);
  expect(claimed.slice(2).concat(claimed.slice(0, 2))).toEqual(expect.arrayContaining(others));
  expect(new Set(claimed).size).toBe(4);
  expect(await caller.claim('able')).toBeNull();
});

it('a host without room is not taken for a wrong guess, and gets nothing', async () => {
  await caller.register('small', { capabilities: ['x'], maxParallel: 1 });
  await submit('x', 3);
  expect(await caller.claim('small')).not.toBeNull();
  for (let n = 0; n < 3; n++) expect(await caller.claim('small')).toBeNull();
  expect(await caller.claim('able')).not.toBeNull();
  expect(await caller.claim('able')).not.toBeNull();
});
