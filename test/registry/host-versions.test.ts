import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';

let api: TestControlPlane;
let other: TestControlPlane;
beforeAll(async () => {
  api = await startTestControlPlane({ env: { SKYCLAW_COORDINATOR_NODE_ID: 'one' } });
  const env = { SKYCLAW_COORDINATOR_NODE_ID: 'two' };
  other = await startTestControlPlane({ env, databaseUrl: api.databaseUrl });
});
afterAll(async () => {
  await other.close();
  await api.close();
});

it('tells of a host how often it was written, and by which replica', async () => {
  const register = (to: TestControlPlane) => to.post('/v1/hosts/register', { hostId: 'h', name: 'h' });
  expect((await register(api)).body.host).toMatchObject({ version: 1, updatedBy: 'one' });
  const beat = await other.post('/v1/hosts/h/heartbeat', {});
  expect(beat.body.host).toMatchObject({ version: 2, updatedBy: 'two' });
  expect((await register(api)).body.host).toMatchObject({ version: 3, updatedBy: 'one' });
  const cordoned = await other.post('/v1/hosts/h/cordon', {});
  expect(cordoned.body.host).toMatchObject({ version: 4, updatedBy: 'two', status: 'cordoned' });
  const told = { version: 4, updatedBy: 'two' };
  expect((await api.fetch('/v1/hosts/h')).body.host).toMatchObject(told);
  expect((await api.fetch('/v1/state')).body.hosts).toMatchObject([told]);
});
