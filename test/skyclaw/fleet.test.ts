import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Job } from '../../src/contracts/skyclaw.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { Program } from '../support/program.js';

const FAST = {
  SKYNET_STALE_LOCK_REAPER_ENABLED: '1',
  SKYNET_STALE_LOCK_REAPER_POLL_SECS: '0.2',
  SKYCLAW_TOKEN: 'fleet',
  SKYCLAW_HOST_TIMEOUT_MS: '10000',
  SKYCLAW_JOB_MAX_ATTEMPTS: '50',
};
const TOKEN = { 'x-skyclaw-token': 'fleet' };

const folder = mkdtempSync(join(tmpdir(), 'skyclaw-fleet-'));
const replicas: TestControlPlane[] = [];
const hosts = new Map<string, Program>();

beforeAll(async () => {
  replicas.push(await startTestControlPlane({ env: FAST }));
  const [first] = replicas;
  replicas.push(await startTestControlPlane({ env: FAST, databaseUrl: first?.databaseUrl ?? '' }));
});
afterAll(async () => {
  await Promise.all([...hosts.values()].map((host) => host.kill('SIGTERM')));
  for (const replica of replicas.reverse()) await replica.close();
  rmSync(folder, { recursive: true, force: true });
});

function startHost(name: string, more: Record<string, string> = {}): void {
  const urls = replicas.map(({ url }) => url);
  hosts.set(
    name,
    Program.start('skyclaw', ['host'], {
      SKYCLAW_TOKEN: 'fleet',
      SKYCLAW_COORDINATOR_URLS: (name.endsWith('1') ? urls : urls.toReversed()).join(','),
      SKYCLAW_HOST_ID: name,
      SKYCLAW_HOST_NAME: name,
      SKYCLAW_STATE_DIR: join(folder, name),
      SKYCLAW_MAX_PARALLEL: '4',
      SKYCLAW_POLL_MS: '100',
      SKYCLAW_HEARTBEAT_MS: '500',
      SKYCLAW_ALLOWED_COMMANDS: 'sh,true,sleep,node',
      ...more,
    }),
  );
}

const api = () => replicas[Math.random() < 0.5 ? 0 : 1]!;

async function submit(payload: object, more: object = {}): Promise<Job> {
  const { status, body } = await api().post(
    '/v1/jobs',
    { payload, requirement: { requiredCapabilities: ['shell'] }, ...more },
    TOKEN,
  );
  expect({ status, body }).toMatchObject({ status: 200 });
  return body.job as Job;
}

it('four hosts and two replicas end 2,000 jobs once each, although hosts are killed all the time', async () => {
  const count = 2_000;
  const names = ['host1', 'host2', 'host3', 'host4'];
  names.forEach((name) => startHost(name));
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      for (let n = 0; n < count / 20; n++) await submit({ kind: 'shell', command: 'true' });
    }),
  );
  let kills = 0;
  const open = async () => {
    const [row] = (await replicas[0]?.query<{ open: number }>(
      `select count(*)::int as open from tasks where completed_at is null`,
    )) ?? [{ open: -1 }];
    return row?.open ?? -1;
  };
  for (let left = await open(); left > 0; left = await open()) {
    const target = left - Math.min(150, left);
    await eventually(
      `${target} jobs are left`,
      async () => ((await open()) <= target ? true : undefined),
      60_000,
    );
    const name = names[kills++ % names.length] ?? '';
    if (target > 0) {
      await hosts.get(name)?.kill('SIGKILL');
      startHost(name);
    }
  }
  expect(kills).toBeGreaterThan(10);
  const rows = await replicas[0]?.query(
    `select status, count(*)::int as jobs from tasks group by status order by status`,
  );
  expect(rows).toEqual([{ status: 'succeeded', jobs: count }]);
  const twice = await replicas[0]?.query(
    `select task_id from events where event_type = 'succeeded' group by task_id having count(*) > 1`,
  );
  expect(twice).toEqual([]);
}, 180_000);
