import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { isLong } from '../support/long.js';
import { Fleet } from './fleet.js';

const [JOBS, JOBS_PER_KILL] = isLong ? [2_000, 150] : [400, 50];

let fleet: Fleet;
beforeAll(async () => (fleet = await Fleet.start({ SKYCLAW_JOB_MAX_ATTEMPTS: '50' })));
afterAll(() => fleet.close());

it(`four hosts and two replicas end ${JOBS} jobs once each, although hosts are killed all the time`, async () => {
  const names = ['host1', 'host2', 'host3', 'host4'];
  for (const name of names) fleet.startHost(name);
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      for (let n = 0; n < JOBS / 20; n++) await fleet.submit({ kind: 'shell', command: 'true' });
    }),
  );
  const open = async () => {
    const [row] = await fleet.first.query<{ open: number }>(
      `select count(*)::int as open from tasks where completed_at is null`,
    );
    return row?.open ?? JOBS;
  };
  let kills = 0;
  for (let left = await open(); left > 0; left = await open()) {
    const target = left - Math.min(JOBS_PER_KILL, left);
    const isThere = async () => ((await open()) <= target ? true : undefined);
    await eventually(`${target} jobs are left`, isThere, 60_000);
    const name = names[kills % names.length] ?? '';
    if (target === 0) continue;
    kills++;
    await fleet.kill(name, 'SIGKILL');
    fleet.startHost(name);
  }
  expect(kills).toBeGreaterThan(5);
  const rows = await fleet.first.query(`select status, count(*)::int as jobs from tasks group by status`);
  expect(rows).toEqual([{ status: 'succeeded', jobs: JOBS }]);
  const twice = await fleet.first.query(
    `select task_id from events where event_type = 'succeeded' group by task_id having count(*) > 1`,
  );
  expect(twice).toEqual([]);
}, 180_000);
