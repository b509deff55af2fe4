import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isAlive, untilDead } from '../gateway/fixture.js';
import { eventually } from '../support/eventually.js';
import { type ScriptableCoordinator } from './coordinator.js';
import { HostFixture } from './fixture.js';

let fixture: HostFixture;
let coordinator: ScriptableCoordinator;
beforeEach(async () => {
  fixture = await HostFixture.create();
  ({ coordinator } = fixture);
});
afterEach(() => fixture.close());

const records = () => {
  const folder = fixture.path('state', 'runs');
  return existsSync(folder) ? readdirSync(folder) : [];
};

describe('a daemon that is killed in the middle of a job', () => {
  it('leaves it to its next life to end all of it, before the coordinator hears that it is gone', async () => {
    const first = await fixture.startAndRegister();
    coordinator.shell('sh', [
      '-c',
      `sleep 60 & echo $! >> ${fixture.path('pids')}; setsid sleep 60 & echo $! >> ${fixture.path('pids')}; echo $$ >> ${fixture.path('pids')}; wait`,
    ]);
    const pids = await fixture.pids('pids', 3);
    await first.kill('SIGKILL');
    for (const pid of pids) expect(isAlive(pid)).toBe(true);
    // Afterwards the job comes back in a new attempt, which has a record of its own.
    let atRegistration: { alive: readonly boolean[]; records: readonly string[] } | undefined;
    coordinator.interfere = ({ path }) => {
      if (path.endsWith('/register')) atRegistration = { alive: pids.map(isAlive), records: records() };
      return undefined;
    };
    await fixture.startAndRegister();
    expect(coordinator.registrations[1]?.activeJobs).toEqual([]);
    expect(coordinator.registrations[1]?.hostId).toBe(coordinator.registrations[0]?.hostId);
    expect(atRegistration).toEqual({ alive: [false, false, false], records: [] });
    expect(coordinator.completions).toEqual([]);
  });

  it('finds also what the job has left in its group after its own end', async () => {
    const first = await fixture.startAndRegister();
    // The leader lives as long as the daemon watches, and not a moment longer.
    coordinator.shell('sh', [
      '-c',
      `sleep 60 & echo $! >> ${fixture.path('pids')}; echo $$ >> ${fixture.path('pids')}; while kill -0 ${first.child.pid ?? 0}; do sleep 0.05; done`,
    ]);
    const [child, leader] = await fixture.pids('pids', 2);
    await first.kill('SIGKILL');
    await untilDead(leader ?? 0);
    expect(isAlive(child ?? 0)).toBe(true);
    await fixture.startAndRegister();
    expect(isAlive(child ?? 0)).toBe(false);
  });

  it('touches no process that has got the same id by chance', async () => {
    const first = await fixture.startAndRegister();
    coordinator.shell('sh', ['-c', `echo $$ >> ${fixture.path('pids')}; sleep 60`]);
    const [pid] = await fixture.pids('pids');
    const [file, record] = await eventually('it is noted down', () => {
      const path = fixture.path('state', 'runs', records()[0] ?? '');
      const found = JSON.parse(readFileSync(path, 'utf8')) as { process?: { startedAt: string } };
      return Promise.resolve(found.process && ([path, { ...found, process: found.process }] as const));
    });
    await first.kill('SIGKILL');
    // As if it had started at another time, as another run.
    writeFileSync(
      file,
      JSON.stringify({
        ...record,
        runId: 'of-nobody',
        process: { pid, startedAt: `${record.process.startedAt}1` },
      }),
    );
    await fixture.startAndRegister();
    expect(isAlive(pid ?? 0)).toBe(true);
  });
});

describe('the end of a job that the coordinator has not heard of', () => {
  it('is told by the next life, with the same key, and the job is not given up meanwhile', async () => {
    const first = await fixture.startAndRegister();
    coordinator.interfere = ({ path }) => (path.endsWith('/complete') ? 'drop' : undefined);
    const id = coordinator.shell('sh', ['-c', 'echo once']);
    await eventually('it was tried', () =>
      Promise.resolve(coordinator.to(/\/complete$/).length > 0 ? true : undefined),
    );
    await first.kill('SIGKILL');
    coordinator.interfere = () => undefined;
    await fixture.startAndRegister();
    expect(coordinator.registrations[1]?.activeJobs).toEqual([id]);
    expect((await coordinator.completion(id)).stdout).toBe('once\n');
    expect(new Set(coordinator.to(/\/complete$/).map(({ key }) => key)).size).toBe(1);
  });
});

describe('a daemon that is told to end', () => {
  it('claims no more, lets its jobs finish, and hands back what it may have been granted', async () => {
    coordinator.waits = true;
    const program = await fixture.startAndRegister({ SKYCLAW_POLL_MS: '5000' });
    const id = coordinator.shell('sh', ['-c', `echo $$ > ${fixture.path('pid')}; sleep 1; echo finished`]);
    await fixture.pids('pid');
    const exit = program.kill('SIGTERM');
    expect(await coordinator.completion(id)).toMatchObject({ success: true, stdout: 'finished\n' });
    expect(await exit).toBe(0);
    expect(coordinator.registrations[1]?.activeJobs).toEqual([id]);
    const last = coordinator.to(/claim$/).at(-1)?.at ?? 0;
    expect(last).toBeLessThan(coordinator.to(/register$/).at(-1)?.at ?? 0);
    expect(records()).toEqual([]);
    expect(existsSync(fixture.path('state', 'lock'))).toBe(false);
  });

  it('kills what takes too long and reports it', async () => {
    const program = await fixture.startAndRegister({ SKYCLAW_SHUTDOWN_GRACE_MS: '300' });
    const id = coordinator.shell('sh', [
      '-c',
      `trap '' TERM; echo $$ > ${fixture.path('pid')}; while :; do sleep 1; done`,
    ]);
    const [pid] = await fixture.pids('pid');
    const begun = performance.now();
    expect(await program.kill('SIGTERM')).toBe(0);
    expect(performance.now() - begun).toBeLessThan(5_000);
    expect(isAlive(pid ?? 0)).toBe(false);
    expect(await coordinator.completion(id)).toMatchObject({
      success: false,
      error: 'host is shutting down',
    });
  });

  it('twice, ends at once and takes its jobs with it', async () => {
    const program = await fixture.startAndRegister();
    coordinator.shell('sh', [
      '-c',
      `setsid sleep 60 & echo $! >> ${fixture.path('pids')}; echo $$ >> ${fixture.path('pids')}; sleep 60`,
    ]);
    const pids = await fixture.pids('pids', 2);
    const begun = performance.now();
    program.child.kill('SIGTERM');
    program.child.kill('SIGINT');
    expect(await program.exit()).toBe(1);
    expect(performance.now() - begun).toBeLessThan(5_000);
    for (const pid of pids) await untilDead(pid);
  });
});

describe('a daemon that cannot start says why in one line:', () => {
  it.each([
    ['an address that is none', { SKYCLAW_COORDINATOR_URLS: 'ftp://x' }, 'SKYCLAW_COORDINATOR_URL'],
    [
      'a public address that is none',
      { SKYCLAW_SERVICE_HOST_PUBLIC_BASE_URL: 'x' },
      'SKYCLAW_SERVICE_HOST_PUBLIC_BASE_URL',
    ],
    ['containers without an image', { SKYCLAW_ISOLATION: 'podman' }, 'SKYCLAW_CONTAINER_IMAGE'],
    [
      'containers without podman',
      { SKYCLAW_ISOLATION: 'podman', SKYCLAW_CONTAINER_IMAGE: 'x', PATH: '/nowhere' },
      'there is no podman on the PATH. Install it',
    ],
    [
      'a folder that cannot be written',
      { SKYCLAW_STATE_DIR: '/dev/null/x' },
      'SKYCLAW_STATE_DIR /dev/null/x cannot be used',
    ],
    [
      'probes that are not there',
      { SKYCLAW_CAPABILITY_PROBES: '/nowhere.yaml' },
      'SKYCLAW_CAPABILITY_PROBES',
    ],
  ])('%s', async (_what, env, text) => {
    const program = fixture.start(env);
    expect(await program.exit()).toBe(1);
    const lines = program.stderr.split('\n').filter((line) => line.startsWith('[skyclaw]'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(text);
    expect(program.stderr).not.toMatch(/\n {4}at /);
  });

  it('a state folder that another living daemon uses', async () => {
    const first = await fixture.startAndRegister();
    const second = fixture.start();
    expect(await second.exit()).toBe(1);
    expect(second.stderr).toContain(`Another host daemon (process ${first.child.pid ?? 0}) uses`);
    expect((await coordinator.run('echo on')).stdout).toBe('on\n');
  });
});
