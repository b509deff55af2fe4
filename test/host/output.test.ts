import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
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

const logs = (id: string) => coordinator.to(new RegExp(`/v1/jobs/${id}/logs$`));

describe('the output of a job', () => {
  it('arrives while the job runs, in order, with its streams told apart, and all of it before its end', async () => {
    await fixture.startAndRegister();
    const id = coordinator.shell('sh', [
      '-c',
      `echo one; sleep 0.5; echo two >&2; echo $$ > ${fixture.path('pid')}; sleep 1; printf 'drei äöü'`,
    ]);
    await eventually('the first line is there', () =>
      Promise.resolve(coordinator.text(`jobs/${id}`, 'stdout') === 'one\n' ? true : undefined),
    );
    expect(coordinator.completions).toEqual([]);
    const done = await coordinator.completion(id);
    expect(coordinator.text(`jobs/${id}`, 'stdout')).toBe('one\ndrei äöü');
    expect(coordinator.text(`jobs/${id}`, 'stderr')).toBe('two\n');
    expect(logs(id).at(-1)?.at).toBeLessThan(done.at);
    expect(logs(id)[0]?.body).toMatchObject({ attempt: 1, leaseToken: 'lease-1' });
  });

  it('comes in bounded pieces, few calls, and one at a time', async () => {
    await fixture.startAndRegister({ SKYCLAW_TIMEOUT_MS: '20000' });
    let open = 0;
    let most = 0;
    coordinator.interfere = async ({ path }) => {
      if (!path.endsWith('/logs')) return undefined;
      most = Math.max(most, (open += 1));
      await new Promise((done) => setTimeout(done, 20));
      open -= 1;
      return undefined;
    };
    const id = coordinator.shell('sh', [
      '-c',
      'i=0; while [ $i -lt 2000 ]; do echo line-$i; i=$((i+1)); done; sleep 0.3',
    ]);
    await coordinator.completion(id);
    expect(coordinator.text(`jobs/${id}`, 'stdout')).toBe(
      Array.from({ length: 2_000 }, (_, index) => `line-${index}\n`).join(''),
    );
    expect(most).toBe(1);
    expect(logs(id).length).toBeLessThan(10);
  });

  it('never holds a job up: what the coordinator is too slow for is left out, and it says so', async () => {
    await fixture.startAndRegister();
    const slow = (ms: number) => new Promise<undefined>((done) => setTimeout(() => done(undefined), ms));
    coordinator.interfere = ({ path }) => (path.endsWith('/logs') ? slow(300) : undefined);
    const id = coordinator.shell('sh', ['-c', "head -c 5000000 /dev/zero | tr '\\0' a; sleep 2; echo end"]);
    const done = await coordinator.completion(id);
    expect(done).toMatchObject({ success: true });
    expect(done.durationMs).toBeLessThan(5_000);
    const shipped = coordinator.text(`jobs/${id}`, 'stdout');
    expect(shipped.length).toBeLessThan(1_000_000);
    expect(shipped.replaceAll('a', '')).toMatch(/\[\d+ bytes of output were not shipped\]/);
  });

  it('that cannot be delivered is tried again with the same key, and does not hold up the end', async () => {
    await fixture.startAndRegister();
    coordinator.interfere = ({ path }) => (path.endsWith('/logs') ? { status: 503, body: {} } : undefined);
    const id = coordinator.shell('sh', ['-c', 'echo unheard; sleep 2']);
    const done = await coordinator.completion(id);
    expect(done).toMatchObject({ success: true, stdout: 'unheard\n' });
    expect(done.durationMs).toBeLessThan(4_000);
    expect(logs(id).length).toBeGreaterThan(1);
    expect(new Set(logs(id).map(({ key }) => key)).size).toBe(1);
  });

  it('is not sent to a coordinator that knows no route for it, after the first try', async () => {
    await fixture.startAndRegister();
    coordinator.interfere = ({ path }) =>
      path.endsWith('/logs') ? { status: 404, body: { error: 'not found' } } : undefined;
    for (const text of ['x', 'y', 'z'])
      expect((await coordinator.run(`echo ${text}`)).stdout).toBe(`${text}\n`);
    expect(coordinator.to(/\/logs$/)).toHaveLength(1);
  });

  it('ends when the coordinator keeps no more of it', async () => {
    await fixture.startAndRegister();
    coordinator.interfere = ({ path }) =>
      path.endsWith('/logs') ? { status: 200, body: { ok: true, lastSeq: 1, full: true } } : undefined;
    const id = coordinator.shell('sh', ['-c', 'echo one; sleep 0.6; echo two; sleep 0.6; echo three']);
    expect((await coordinator.completion(id)).stdout).toBe('one\ntwo\nthree\n');
    expect(logs(id)).toHaveLength(1);
  });
});

describe('the output of a service', () => {
  it('is shipped under the number of its restarts', async () => {
    await fixture.startAndRegister({ SKYCLAW_SERVICE_BASE_PORT: '23300' });
    coordinator.deploy(
      'talker',
      { command: 'sh', args: ['-c', 'echo hello; echo trouble >&2; exit 1'] },
      1,
      3,
    );
    await coordinator.report('talker', 'failed');
    expect(coordinator.text('services/talker', 'stdout')).toBe('hello\n');
    expect(coordinator.text('services/talker', 'stderr')).toBe('trouble\n');
    expect(coordinator.logs.get('services/talker')?.map(({ attempt }) => attempt)).toEqual([
      '[0,1,3]',
      '[0,1,3]',
    ]);
  });
});
