import { writeFileSync } from 'node:fs';
import net from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Service } from '../../src/contracts/skyclaw.js';
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

/** Ports of this file's own, so that others may run beside it. */
const env = { SKYCLAW_SERVICE_BASE_PORT: '23100' };

/** A small web server that answers with `text`, notes its process id, and listens once the file `gate` is there. */
function server(
  text: string,
  { gate, more = '' }: { gate?: string; more?: string } = {},
): Partial<Service> & { command: string } {
  return {
    command: 'node',
    args: [
      '-e',
      `const fs = require('node:fs');
       fs.appendFileSync(${JSON.stringify(fixture.path('pids'))}, process.pid + '\\n');
       console.log('begun ' + ${JSON.stringify(text)});
       let ready = false;
       const server = require('node:http').createServer((request, response) => {
         if (request.url === '/exit') process.exit(7);
         if (request.url === '/say') console.log('said ' + ${JSON.stringify(text)});
         response.statusCode = request.url === '/health' && !fs.existsSync(${JSON.stringify(fixture.path('healthy'))}) ? 503 : 200;
         response.end(${JSON.stringify(text)});
       });
       const listen = () => {
         if (${JSON.stringify(gate ?? '')} !== '' && !fs.existsSync(${JSON.stringify(gate ?? '')})) return setTimeout(listen, 20);
         server.listen(Number(process.env.PORT), '127.0.0.1');
       };
       listen();
       ${more}`,
    ],
  };
}

const get = async (endpoint: string | undefined, path = '/') =>
  (await fetch(`${endpoint ?? ''}${path}`, { signal: AbortSignal.timeout(5_000) })).text();

const stillThere = (endpoint: string | undefined) =>
  get(endpoint).then(
    () => true,
    () => false,
  );

describe('a service', () => {
  it('gets a port of its own, is reported once it accepts connections, and only then', async () => {
    const busy = net.createServer().listen(23_100, '0.0.0.0');
    await fixture.startAndRegister(env);
    const gate = fixture.path('gate');
    coordinator.deploy('slow', server('slow', { gate }));
    await fixture.pids('pids');
    coordinator.deploy('quick', server('quick'));
    const quick = await coordinator.report('quick', 'running');
    expect(coordinator.reports.map(({ serviceId }) => serviceId)).toEqual(['quick']);
    writeFileSync(gate, '');
    const slow = await coordinator.report('slow', 'running');
    busy.close();
    expect([slow.endpoint, quick.endpoint]).toEqual(['http://127.0.0.1:23101', 'http://127.0.0.1:23102']);
    expect(slow.generation).toBe(1);
    expect(await get(slow.endpoint)).toBe('slow');
    expect(await get(quick.endpoint)).toBe('quick');
  });

  it('with a health path is reported once that answers below 500', async () => {
    await fixture.startAndRegister(env);
    coordinator.deploy('checked', { ...server('checked'), healthPath: '/health' });
    await eventually('it answers', async () =>
      (await stillThere('http://127.0.0.1:23100')) ? true : undefined,
    );
    expect(coordinator.reports).toEqual([]);
    writeFileSync(fixture.path('healthy'), '');
    await coordinator.report('checked', 'running');
  });

  it('that ends is reported with its exit code, and started again when the coordinator says so', async () => {
    await fixture.startAndRegister(env);
    coordinator.deploy('fragile', server('fragile'));
    const { endpoint } = await coordinator.report('fragile', 'running');
    await get(endpoint, '/exit').catch(() => undefined);
    const failed = await coordinator.report('fragile', 'failed');
    expect(failed).toMatchObject({ error: 'service process exited with code 7', generation: 1 });
    coordinator.deploy('fragile', server('fragile'), 1, 1);
    await eventually('it runs again', () =>
      Promise.resolve(
        coordinator.reports.filter(({ status }) => status === 'running').length === 2 ? true : undefined,
      ),
    );
  });

  it('that cannot be started, may not be, or never accepts a connection is reported as failed', async () => {
    await fixture.startAndRegister({ ...env, SKYCLAW_SERVICE_START_MS: '500' });
    coordinator.deploy('forbidden', { command: 'rm' });
    coordinator.deploy('unreachable', { command: 'node', network: false });
    coordinator.deploy('missing', { command: 'not-on-this-machine' });
    coordinator.deploy('homeless', { command: 'sh', cwd: '/nowhere' });
    coordinator.deploy('killed', { command: 'sh', args: ['-c', 'kill -9 $$'] });
    coordinator.deploy('deaf', {
      command: 'sh',
      args: ['-c', `echo $$ > ${fixture.path('pids')}; sleep 60`],
    });
    expect((await coordinator.report('forbidden', 'failed')).error).toBe('command not allowed: rm');
    expect((await coordinator.report('unreachable', 'failed')).error).toBe(
      'a service without a network cannot be reached',
    );
    expect((await coordinator.report('missing', 'failed')).error).toContain('not-on-this-machine');
    expect((await coordinator.report('homeless', 'failed')).error).toContain('/nowhere');
    expect((await coordinator.report('killed', 'failed')).error).toBe('service process exited with code 137');
    expect((await coordinator.report('deaf', 'failed')).error).toMatch(
      /^service was not ready on port \d+ within 500ms$/,
    );
    const [pid] = await fixture.pids('pids');
    await untilDead(pid ?? 0);
    expect((await coordinator.run('echo alive')).stdout).toBe('alive\n');
  });

  it('ends with all of its processes when the coordinator says so, and nothing is reported', async () => {
    await fixture.startAndRegister(env);
    const more = `const child = require('node:child_process').spawn('sleep', ['60']);
      fs.appendFileSync(${JSON.stringify(fixture.path('pids'))}, child.pid + '\\n');`;
    coordinator.deploy('stopped', server('stopped', { more }));
    await coordinator.report('stopped', 'running');
    const [main, child] = await fixture.pids('pids', 2);
    coordinator.stopServices = ['stopped'];
    await untilDead(main ?? 0);
    await untilDead(child ?? 0);
    await coordinator.heartbeat(() => true, performance.now());
    expect(coordinator.reports).toHaveLength(1);
  });

  it('of a newer generation runs before the older one ends', async () => {
    await fixture.startAndRegister(env);
    coordinator.deploy('rolled', server('old'));
    const old = await coordinator.report('rolled', 'running');
    const gate = fixture.path('gate');
    coordinator.deploy('rolled', server('new', { gate }), 2);
    await fixture.pids('pids', 2);
    expect(await get(old.endpoint)).toBe('old');
    writeFileSync(gate, '');
    const fresh = await coordinator.report('rolled', 'running', ({ generation }) => generation === 2);
    expect(fresh.endpoint).not.toBe(old.endpoint);
    expect(await get(fresh.endpoint)).toBe('new');
    const [pid] = await fixture.pids('pids');
    await untilDead(pid ?? 0);
    expect(coordinator.reports.map(({ status }) => status)).toEqual(['running', 'running']);
  });

  it('of a newer generation that never works leaves the older one alone', async () => {
    await fixture.startAndRegister(env);
    coordinator.deploy('kept', server('old'));
    const { endpoint } = await coordinator.report('kept', 'running');
    coordinator.deploy('kept', { command: 'sh', args: ['-c', 'exit 3'] }, 2);
    expect(await coordinator.report('kept', 'failed')).toMatchObject({
      error: 'service process exited with code 3',
      generation: 2,
    });
    expect(await get(endpoint)).toBe('old');
    // Back to the older one: it runs already.
    coordinator.deploy('kept', server('old'), 1);
    await eventually('it is reported again', () =>
      Promise.resolve(
        coordinator.reports.filter(({ status }) => status === 'running').length === 2 ? true : undefined,
      ),
    );
    expect(await fixture.pids('pids')).toHaveLength(1);
  });

  it('has several replicas on one host, each of which is named, replaced and stopped by itself', async () => {
    await fixture.startAndRegister(env);
    coordinator.deploy('twin', server('zero'), 1, 0, 0);
    coordinator.deploy('twin', server('one'), 1, 0, 1);
    const zero = await coordinator.report('twin', 'running', ({ slot }) => slot === 0);
    const one = await coordinator.report('twin', 'running', ({ slot }) => slot === 1);
    const replica = (slot: number, generation: number) => ({ serviceId: 'twin', slot, generation });
    const names = (...wanted: object[]) =>
      coordinator.heartbeat(
        ({ activeServices }) => JSON.stringify(activeServices) === JSON.stringify(wanted),
        performance.now(),
      );
    await names(replica(0, 1), replica(1, 1));
    coordinator.deploy('twin', server('new zero'), 2, 0, 0);
    const fresh = await coordinator.report('twin', 'running', ({ generation }) => generation === 2);
    expect(await get(fresh.endpoint)).toBe('new zero');
    await names(replica(1, 1), replica(0, 2));
    expect(await get(one.endpoint)).toBe('one');
    expect(await stillThere(zero.endpoint)).toBe(false);
    // A stop of another generation is not meant for this one.
    coordinator.stopReplicas = [replica(0, 1), replica(1, 1)];
    await names(replica(0, 2));
    expect(await get(fresh.endpoint)).toBe('new zero');
  });

  it('is named among the active ones from its claim to its end', async () => {
    await fixture.startAndRegister(env);
    coordinator.deploy('slow', server('slow', { gate: fixture.path('never') }));
    await coordinator.heartbeat(({ activeServices }) => activeServices?.[0]?.serviceId === 'slow');
    const [pid] = await fixture.pids('pids');
    coordinator.stopServices = ['slow'];
    await coordinator.heartbeat(({ activeServices }) => activeServices?.length === 0, performance.now());
    expect(isAlive(pid ?? 0)).toBe(false);
  });

  it('that the coordinator does not want here ends', async () => {
    await fixture.startAndRegister(env);
    coordinator.interfere = ({ path }) =>
      path.endsWith('/report')
        ? { status: 409, body: { error: 'service x is not assigned to host y' } }
        : undefined;
    coordinator.deploy('stray', server('stray'));
    const [pid] = await fixture.pids('pids');
    await untilDead(pid ?? 0);
  });

  it('is told of again to a coordinator that has forgotten this host', async () => {
    await fixture.startAndRegister(env);
    coordinator.deploy('known', server('known'));
    const { endpoint } = await coordinator.report('known', 'running');
    coordinator.forgetHosts();
    await coordinator.registered(2);
    await eventually('it is reported again', () =>
      Promise.resolve(
        coordinator.reports.filter((one) => one.endpoint === endpoint).length === 2 ? true : undefined,
      ),
    );
  });

  it('is not claimed by a host whose services are switched off', async () => {
    await fixture.startAndRegister({ SKYCLAW_SERVICE_HOST_ENABLED: '0' });
    expect(coordinator.registrations[0]?.capabilities).toEqual(['openclaw', 'shell']);
    await coordinator.run('true');
    expect(coordinator.to(/services\/claim$/)).toEqual([]);
  });
});

describe('a daemon with services', () => {
  it('that is told to end, ends and reports them', async () => {
    const program = await fixture.startAndRegister(env);
    coordinator.deploy('ended', server('ended'));
    await coordinator.report('ended', 'running');
    const [pid] = await fixture.pids('pids');
    expect(await program.kill('SIGTERM')).toBe(0);
    expect(isAlive(pid ?? 0)).toBe(false);
    expect(await coordinator.report('ended', 'failed')).toMatchObject({
      error: 'host is shutting down',
      generation: 1,
    });
  });

  it('that is killed leaves them running; its next life goes on with them, their port and their output', async () => {
    const first = await fixture.startAndRegister(env);
    coordinator.deploy('adopted', server('adopted'));
    const { endpoint } = await coordinator.report('adopted', 'running');
    const [pid] = await fixture.pids('pids');
    await eventually('its output is shipped', () =>
      Promise.resolve(
        coordinator.text('services/adopted', 'stdout') === 'begun adopted\n' ? true : undefined,
      ),
    );
    await first.kill('SIGKILL');
    // It writes although nobody reads.
    expect(await get(endpoint, '/say')).toBe('adopted');
    const second = await fixture.startAndRegister(env);
    await eventually('it is reported again', () =>
      Promise.resolve(coordinator.reports.length === 2 ? true : undefined),
    );
    expect(coordinator.reports[1]).toMatchObject({ status: 'running', endpoint, generation: 1 });
    expect(await get(endpoint, '/say')).toBe('adopted');
    // What the first life had not heard an answer to comes twice.
    await eventually('the rest of its output is shipped', () =>
      Promise.resolve(
        /^(begun adopted\n){1,2}(said adopted\n){2}$/.exec(coordinator.text('services/adopted', 'stdout')) ??
          undefined,
      ),
    );
    // Another service gets another port.
    coordinator.deploy('beside', server('beside'));
    expect((await coordinator.report('beside', 'running')).endpoint).not.toBe(endpoint);
    expect(isAlive(pid ?? 0)).toBe(true);
    await get(endpoint, '/exit').catch(() => undefined);
    await coordinator.report('adopted', 'failed');
    expect(await second.kill('SIGTERM')).toBe(0);
  });

  it('that is killed with them reports them as failed in its next life', async () => {
    const first = await fixture.startAndRegister(env);
    coordinator.deploy('lost', server('lost'));
    await coordinator.report('lost', 'running');
    const [pid] = await fixture.pids('pids');
    await first.kill('SIGKILL');
    process.kill(pid ?? 0, 'SIGKILL');
    await untilDead(pid ?? 0);
    await fixture.startAndRegister(env);
    expect((await coordinator.report('lost', 'failed')).error).toBe(
      'service process ended with an earlier life of the host',
    );
  });
});
