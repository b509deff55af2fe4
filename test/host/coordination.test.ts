import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isAlive, untilDead } from '../gateway/fixture.js';
import { eventually } from '../support/eventually.js';
import { ScriptableCoordinator } from './coordinator.js';
import { HostFixture } from './fixture.js';

let fixture: HostFixture;
let coordinator: ScriptableCoordinator;
beforeEach(async () => {
  fixture = await HostFixture.create();
  ({ coordinator } = fixture);
});
afterEach(() => fixture.close());

describe('a host', () => {
  it('registers with what it is, says so, and keeps its id over a restart', async () => {
    const program = await fixture.startAndRegister({
      SKYCLAW_CAPABILITIES: ' b, a ,b',
      SKYCLAW_HOST_NAME: 'bench',
      SKYCLAW_MAX_PARALLEL: '3',
      SKYCLAW_TIMEOUT_MS: '12345',
    });
    const [first] = coordinator.registrations;
    expect(first).toMatchObject({
      name: 'bench',
      capabilities: ['a', 'b'],
      maxParallel: 3,
      activeJobs: [],
      defaultTimeoutMs: 12_345,
    });
    expect(first?.hostId).toMatch(/^host_[0-9a-f-]{36}$/);
    await program.line(/(Isolation: none)/);
    expect(program.stdout).toContain(`SkyClaw host: ${first?.hostId ?? ''} (bench)`);
    expect(program.stdout).toContain(`Coordinator: ${coordinator.url}`);
    expect(program.stdout).toContain('Capabilities: a, b; up to 3 jobs at once');
    await program.kill('SIGKILL');
    await fixture.startAndRegister();
    expect(coordinator.registrations[1]?.hostId).toBe(first?.hostId);
  });

  it('repeats a registration whose answer got lost with the same key, in its next life as well, and never again after', async () => {
    const keys = () => coordinator.to(/hosts\/register$/).map(({ key }) => key);
    coordinator.interfere = ({ path }) => (path.endsWith('/register') ? 'drop' : undefined);
    const first = fixture.start();
    await eventually('it has tried twice', () => Promise.resolve(keys().length > 1 ? true : undefined));
    await first.kill('SIGKILL');
    const lost = keys();
    coordinator.interfere = () => undefined;
    const second = await fixture.startAndRegister();
    expect(new Set([...lost, ...keys()]).size).toBe(1);
    await second.kill('SIGKILL');
    await fixture.startAndRegister();
    expect(new Set(keys()).size).toBe(2);
  });

  it('registers with another key when its own is taken for what it was before', async () => {
    let answers = 0;
    coordinator.interfere = ({ path }) =>
      path.endsWith('/register') && ++answers === 1
        ? { status: 409, body: { error: 'idempotency key reuse conflict for route /v1/hosts/register' } }
        : undefined;
    await fixture.startAndRegister();
    const [taken, own] = coordinator.to(/hosts\/register$/).map(({ key }) => key);
    expect(own).not.toBe(taken);
  });

  it('waits for a coordinator that is not there yet', async () => {
    await coordinator.close();
    const program = fixture.start();
    await eventually('it has said so', () =>
      Promise.resolve(program.stderr.includes('No coordinator can be reached') ? true : undefined),
    );
    await coordinator.open();
    await coordinator.registered();
    expect((await coordinator.run('echo here')).stdout).toBe('here\n');
  });

  it('whose token is wrong says what to do, and asks rarely', async () => {
    coordinator.token = 'right';
    const program = fixture.start({ SKYCLAW_TOKEN: 'wrong-token' });
    await eventually('it has said so', () =>
      Promise.resolve(program.stderr.includes('SKYCLAW_TOKEN is missing or wrong') ? true : undefined),
    );
    expect(program.stderr).not.toContain('wrong-token');
    expect(await program.kill('SIGTERM')).toBe(0);
    expect(coordinator.seen).toHaveLength(1);
  });

  it('that is locked out while it works says so, goes on with its jobs, and ends when it is told to', async () => {
    const program = await fixture.startAndRegister();
    const id = coordinator.shell('sh', ['-c', `echo $$ > ${fixture.path('pid')}; sleep 1`]);
    await fixture.pids('pid');
    coordinator.token = 'changed';
    await eventually('it has said so', () =>
      Promise.resolve(program.stderr.includes('SKYCLAW_TOKEN is missing or wrong') ? true : undefined),
    );
    const begun = performance.now();
    expect(await program.kill('SIGTERM')).toBe(0);
    expect(performance.now() - begun).toBeLessThan(6_000);
    // The end of its job is kept, and told once the host is let in again.
    await fixture.startAndRegister({ SKYCLAW_TOKEN: 'changed' });
    expect(await coordinator.completion(id)).toMatchObject({ success: true });
  });

  it('keeps the credential that it is given, for itself alone, and sends it from then on', async () => {
    coordinator.hostToken = 'credential-of-this-host';
    const program = await fixture.startAndRegister();
    await coordinator.heartbeat(() => true);
    await program.kill('SIGKILL');
    const file = fixture.path('state', 'host-token.json');
    expect(readFileSync(file, 'utf8')).toContain('credential-of-this-host');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    // The coordinator refuses a second registration without it.
    await fixture.startAndRegister();
    expect((await coordinator.run('env')).stdout).not.toContain('credential-of-this-host');
  });

  it('registers again when the coordinator has forgotten it, with the jobs that it runs', async () => {
    await fixture.startAndRegister();
    const id = coordinator.shell('sh', ['-c', `echo $$ > ${fixture.path('pid')}; sleep 1; echo done`]);
    await fixture.pids('pid');
    coordinator.forgetHosts();
    expect((await coordinator.registered(2)).activeJobs).toEqual([id]);
    expect(await coordinator.completion(id)).toMatchObject({ success: true, stdout: 'done\n' });
  });

  it('loses no job that it is given while it registers again', async () => {
    await fixture.startAndRegister({
      SKYCLAW_POLL_MS: '20',
      SKYCLAW_HEARTBEAT_MS: '50',
      SKYCLAW_MAX_PARALLEL: '8',
    });
    // What is granted is on its way for a while.
    coordinator.interfere = ({ path }) => (/hosts\/[^/]+\/claim$/.test(path) ? 'do-and-dawdle' : undefined);
    const ids: string[] = [];
    for (let round = 1; round <= 8; round += 1) {
      for (let count = 0; count < 3; count += 1) ids.push(coordinator.shell('sh', ['-c', 'sleep 0.1']));
      coordinator.forgetHosts();
      await coordinator.registered(round + 1);
    }
    for (const id of ids) expect(await coordinator.completion(id)).toMatchObject({ success: true });
    expect(coordinator.lateCompletions).toBe(0);
    expect(coordinator.completions).toHaveLength(ids.length);
  });

  it('does not register again because the coordinator knows no services', async () => {
    coordinator.interfere = ({ path }) =>
      path.endsWith('/services/claim') ? { status: 404, body: { error: 'not found' } } : undefined;
    await fixture.startAndRegister();
    await eventually('it has asked', () =>
      Promise.resolve(coordinator.to(/services\/claim$/).length > 0 ? true : undefined),
    );
    expect((await coordinator.run('echo still')).stdout).toBe('still\n');
    expect(coordinator.registrations).toHaveLength(1);
  });

  it('delivers the end of a job although the coordinator has just forgotten it', async () => {
    await fixture.startAndRegister({ SKYCLAW_HEARTBEAT_MS: '60000', SKYCLAW_MAX_PARALLEL: '1' });
    const id = coordinator.shell('sh', ['-c', `echo $$ > ${fixture.path('pid')}; sleep 0.5`]);
    await fixture.pids('pid');
    coordinator.forgetHosts();
    expect(await coordinator.completion(id)).toMatchObject({ success: true });
    expect(coordinator.registrations[1]?.activeJobs).toEqual([id]);
  });
});

describe('jobs', () => {
  it('run side by side, as many as are allowed and no more', async () => {
    await fixture.startAndRegister({ SKYCLAW_MAX_PARALLEL: '2', SKYCLAW_POLL_MS: '20' });
    const script = `echo $$ >> ${fixture.path('running')}; until [ -e ${fixture.path('go')} ]; do sleep 0.05; done`;
    const ids = [1, 2, 3].map(() => coordinator.shell('sh', ['-c', script]));
    await fixture.pids('running', 2);
    const full = performance.now();
    const beat = await coordinator.heartbeat((body) => body.activeLeases === 2, full);
    expect(beat.activeJobs).toEqual(ids.slice(0, 2));
    const claims = coordinator
      .to(/\/claim$/)
      .filter(({ at, path }) => at > full && !path.includes('services'));
    expect(claims).toEqual([]);
    writeFileSync(fixture.path('go'), '');
    for (const id of ids) expect(await coordinator.completion(id)).toMatchObject({ success: true });
  });

  it('follow each other without waiting for the poll', async () => {
    await fixture.startAndRegister({ SKYCLAW_MAX_PARALLEL: '1', SKYCLAW_POLL_MS: '2000' });
    const ids = Array.from({ length: 10 }, () => coordinator.shell('sh', ['-c', 'true']));
    const first = await coordinator.completion(ids[0] ?? '');
    const last = await coordinator.completion(ids[9] ?? '');
    expect(last.at - first.at).toBeLessThan(2_000);
  });

  it('come at once from a coordinator that keeps the claim open', async () => {
    coordinator.waits = true;
    await fixture.startAndRegister({ SKYCLAW_POLL_MS: '10000' });
    await eventually('a claim is open', () =>
      Promise.resolve(coordinator.to(/hosts\/[^/]+\/claim$/).length > 0 ? true : undefined),
    );
    expect(coordinator.to(/hosts\/[^/]+\/claim$/)[0]?.body).toEqual({ wait_ms: 10_000 });
    const begun = performance.now();
    const done = await coordinator.completion(coordinator.shell('sh', ['-c', 'true']));
    expect(done.at - begun).toBeLessThan(3_000);
  });

  it('that the coordinator has taken away are ended, and nothing is told of them', async () => {
    await fixture.startAndRegister();
    const id = coordinator.shell('sh', ['-c', `echo $$ > ${fixture.path('pid')}; sleep 60`]);
    const [pid] = await fixture.pids('pid');
    coordinator.stopJobs = [id];
    await untilDead(pid ?? 0);
    const since = performance.now();
    await coordinator.heartbeat((body) => body.activeJobs?.length === 0, since);
    expect(coordinator.completions).toEqual([]);
  });

  it('that come back in a new attempt end the old one first', async () => {
    await fixture.startAndRegister();
    const id = coordinator.shell('sh', ['-c', `echo $$ >> ${fixture.path('pid')}; sleep 60`]);
    const [pid] = await fixture.pids('pid');
    coordinator.enqueue(
      { kind: 'shell', command: 'sh', args: ['-c', 'echo second'] },
      { id, attempts: 2, leaseToken: 'lease-of-the-second' },
    );
    expect(await coordinator.completion(id)).toMatchObject({
      stdout: 'second\n',
      leaseToken: 'lease-of-the-second',
    });
    expect(isAlive(pid ?? 0)).toBe(false);
    expect(coordinator.completions).toHaveLength(1);
  });
});

describe('an answer that is lost', () => {
  it('of a claim is asked for again with the same key, and its job runs once', async () => {
    await fixture.startAndRegister();
    let lost = 0;
    coordinator.interfere = ({ path }) =>
      /hosts\/[^/]+\/claim$/.test(path) && lost++ === 0 ? 'do-and-drop' : undefined;
    const id = coordinator.shell('sh', ['-c', `echo $$ >> ${fixture.path('pid')}`]);
    expect(await coordinator.completion(id)).toMatchObject({ success: true });
    expect(await fixture.pids('pid')).toHaveLength(1);
    const keys = coordinator.to(/hosts\/[^/]+\/claim$/).map(({ key }) => key);
    expect(keys.some((key, index) => key === keys[index + 1])).toBe(true);
  });

  it('of a completion is asked for again with the same key until it comes, beside other work', async () => {
    await fixture.startAndRegister();
    let isAway = true;
    const kept = coordinator.shell('sh', ['-c', 'echo kept']);
    const path = `/v1/jobs/${kept}/complete`;
    coordinator.interfere = (request) =>
      isAway && request.path === path ? { status: 503, body: {} } : undefined;
    await eventually('it was tried twice', () =>
      Promise.resolve(
        coordinator.seen.filter((request) => request.path === path).length > 1 ? true : undefined,
      ),
    );
    expect((await coordinator.run('echo other')).stdout).toBe('other\n');
    // Its lease is still needed.
    await coordinator.heartbeat((body) => body.activeJobs?.includes(kept) === true, performance.now());
    isAway = false;
    expect((await coordinator.completion(kept)).stdout).toBe('kept\n');
    expect(new Set(coordinator.seen.filter((one) => one.path === path).map(({ key }) => key)).size).toBe(1);
  });

  it('of a completion that was refused is not asked for again', async () => {
    await fixture.startAndRegister();
    coordinator.interfere = ({ path }) =>
      path.endsWith('/complete') ? { status: 409, body: { error: 'job x is not leased' } } : undefined;
    const id = coordinator.shell('sh', ['-c', 'true']);
    await eventually('it was tried', () =>
      Promise.resolve(coordinator.to(/\/complete$/).length > 0 ? true : undefined),
    );
    await coordinator.heartbeat((body) => body.activeJobs?.length === 0, performance.now());
    coordinator.interfere = () => undefined;
    await coordinator.run('true');
    expect(coordinator.to(new RegExp(`${id}/complete$`))).toHaveLength(1);
  });

  it('because it was too large comes again with less output', async () => {
    await fixture.startAndRegister();
    coordinator.interfere = ({ path, body }) =>
      path.endsWith('/complete') && JSON.stringify(body).length > 50_000
        ? { status: 413, body: {} }
        : undefined;
    const done = await coordinator.run("head -c 100000 /dev/zero | tr '\\0' a");
    expect(done.stdout).toMatch(/^a{16000,16384}\n\[output truncated\]\n$/);
    expect(done.success).toBe(true);
  });
});

describe('a coordinator that loses requests and answers all the time', () => {
  it('has each job run once and hears of its end once', async () => {
    await fixture.startAndRegister({ SKYCLAW_POLL_MS: '20' });
    let state = 1;
    let troubles = 0;
    coordinator.interfere = () => {
      // The same troubles in every run of this test.
      state = (state * 48_271) % 2_147_483_647;
      if (state % 4 !== 0) return undefined;
      troubles += 1;
      return (['drop', 'do-and-drop', { status: 503, body: { error: 'busy' } }] as const)[troubles % 3];
    };
    const ids = Array.from({ length: 40 }, (_, index) =>
      coordinator.shell('sh', ['-c', `echo ${index} >> ${fixture.path('ran')}; echo ${index}`]),
    );
    for (const [index, id] of ids.entries())
      expect((await coordinator.completion(id)).stdout).toBe(`${index}\n`);
    const ran = await fixture.pids('ran', 40);
    expect([...ran].sort((a, b) => a - b)).toEqual(ids.map((_, index) => index));
    expect(coordinator.completions).toHaveLength(40);
    expect(troubles).toBeGreaterThan(20);
  });
});

describe('with several coordinators', () => {
  it('a call goes to the next one with the same key when one is away or fails, and a refusal counts', async () => {
    const second = await ScriptableCoordinator.start();
    try {
      let keys: string[] = [];
      coordinator.interfere = (request) => {
        keys.push(request.key);
        return { status: 500, body: { error: 'broken' } };
      };
      fixture.start({ SKYCLAW_COORDINATOR_URLS: `${coordinator.url},${second.url}` });
      await second.registered();
      expect(keys).toContain(second.to(/register$/)[0]?.key);
      expect((await second.run('echo there')).stdout).toBe('there\n');

      // The second refuses a completion: the first is not asked.
      coordinator.interfere = () => undefined;
      keys = [];
      second.interfere = ({ path }) =>
        path.endsWith('/complete') ? { status: 409, body: { error: 'job x is not leased' } } : undefined;
      second.shell('sh', ['-c', 'true']);
      await second.heartbeat(() => true, performance.now());
      expect(coordinator.to(/\/complete$/)).toEqual([]);

      // The second goes away in the middle of a job: the first hears of its end.
      second.interfere = () => undefined;
      const id = second.shell('sh', ['-c', `echo $$ > ${fixture.path('pid')}; sleep 0.5; echo moved`]);
      await fixture.pids('pid');
      await second.close();
      expect((await coordinator.completion(id)).stdout).toBe('moved\n');
      expect(second.complaints).toEqual([]);
    } finally {
      await second.close();
    }
  });

  it('too many requests are a matter of time, not of the coordinator', async () => {
    const second = await ScriptableCoordinator.start();
    try {
      await fixture.startAndRegister({ SKYCLAW_COORDINATOR_URLS: `${coordinator.url},${second.url}` });
      let refusals = 0;
      coordinator.interfere = ({ path }) =>
        path.endsWith('/complete') && refusals++ < 2
          ? { status: 429, body: { error: 'slow down' } }
          : undefined;
      expect((await coordinator.run('echo later')).stdout).toBe('later\n');
      expect(second.seen).toEqual([]);
    } finally {
      await second.close();
    }
  });
});
