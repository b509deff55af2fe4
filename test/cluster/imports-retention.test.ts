import { expect, it } from '@jest/globals';
import { ImportsLoop } from '../../src/control-plane/cluster/imports.loop.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { jobRecord } from './records.js';

const send = (api: TestControlPlane, version: number, count = 1_201) =>
  api.post('/v1/replicate/snapshot', {
    hosts: [],
    jobs: Array.from({ length: count }, (_, n) => jobRecord(`j${n}`, { version, priority: version })),
  });
const age = (api: TestControlPlane, days: number) =>
  api.query(`update imported_records set imported_at = now() - ${days} * interval '1 day' where id <> 'j0'`);
const known = async (api: TestControlPlane) =>
  (await api.query<{ id: string }>('select id from imported_records')).map(({ id }) => id);

it('forgets what was imported as long ago as finished jobs are kept, and leaves the records alone from then on', async () => {
  const api = await startTestControlPlane({ env: { SKYNET_RETENTION_DAYS: '40' } });
  try {
    await send(api, 1);
    await age(api, 39);
    await api.get(ImportsLoop).stop();
    api.get(ImportsLoop).start();
    await api.get(ImportsLoop).stop();
    expect(await known(api)).toHaveLength(1_201);
    await age(api, 41);
    api.get(ImportsLoop).start();
    await eventually('only the young one is known', async () =>
      (await known(api)).join() === 'j0' ? true : undefined,
    );
    expect(await api.query('select from tasks')).toHaveLength(1_201);
    expect((await send(api, 2, 2)).body).toMatchObject({ changed: true });
    expect((await api.fetch('/v1/jobs/j0')).body.job).toMatchObject({ priority: 2 });
    expect((await api.fetch('/v1/jobs/j1')).body.job).toMatchObject({ priority: 1 });
  } finally {
    await api.close();
  }
});

it('keeps it for ever where finished jobs are', async () => {
  const api = await startTestControlPlane({ env: { SKYNET_RETENTION_DAYS: '0' } });
  try {
    await send(api, 1, 3);
    await age(api, 4_000);
    await api.get(ImportsLoop).stop();
    api.get(ImportsLoop).start();
    await api.get(ImportsLoop).stop();
    expect(await known(api)).toHaveLength(3);
  } finally {
    await api.close();
  }
});
