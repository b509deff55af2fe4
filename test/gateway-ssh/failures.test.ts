import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type RunningGateway } from '../../src/gateway/index.js';
import { Program } from '../support/program.js';
import { act, isAlive, post, untilDead } from '../gateway/fixture.js';
import { SshFixture, statusOf, untilHealthy } from './fixture.js';
import { leftOut, trouble } from './sshd.js';

const suite = trouble === undefined ? describe : describe.skip; // Nothing can stand in for a real sshd; the name of the suite says what is missing.

suite(`a host behind SSH that fails${leftOut}`, () => {
  let fixture: SshFixture;
  let gateway: RunningGateway;
  let count = 0;
  const slowTest = () => fixture.gateways.slowTest(`slow-${++count}`);
  const keyOf = (task_id: string) => ({ task_id, idempotency_key: 'k' });
  const look = (at = gateway) => act(at, 'list_directory', { directory: fixture.root });

  beforeAll(async () => {
    fixture = await SshFixture.create();
    gateway = await fixture.start();
    await untilHealthy(gateway);
  });
  afterEach(() => post(gateway, '/resume'));
  afterAll(() => fixture.close());

  it('is told to end a command when its time is over, with all that it has started', async () => {
    const impatient = await fixture.start({ env: { OPENCLAW_SSH_COMMAND_TIMEOUT: '2' } });
    await look(impatient);
    const slow = slowTest();
    const { body } = await act(impatient, 'run_tests', slow.params);
    expect(body.result).toMatchObject({
      returncode: -1,
      stderr: 'Process timed out after 2s and was killed.',
    });
    if (slow.runs() > 0) await untilDead(slow.pid());
  });

  it('is told to end what runs by the emergency stop, within a second', async () => {
    const slow = slowTest();
    const running = act(gateway, 'run_tests', slow.params, keyOf('stopped'));
    await slow.started();
    const asked = performance.now();
    expect((await post(gateway, '/emergency-stop')).body).toEqual({ status: 'not_applicable_in_ssh_mode' });
    const { body } = await running;
    expect(performance.now() - asked).toBeLessThan(1_000);
    expect(body.result).toMatchObject({
      returncode: -1,
      stderr: 'Process was killed by the emergency stop.',
    });
    await untilDead(slow.pid());
  });

  it('ends what runs when the gateway is killed and can do nothing about it', async () => {
    const program = Program.start('skynet', ['gateway', '--port', '0'], {
      DATABASE_URL: fixture.gateways.database.url,
      ...fixture.env(),
    });
    const url = await program.line(/OpenClaw gateway: (\S+)/);
    const slow = slowTest();
    const running = act({ url }, 'run_tests', slow.params).catch(() => 'cut off');
    await slow.started();
    await program.kill('SIGKILL');
    expect(await running).toBe('cut off');
    await untilDead(slow.pid());
  });

  it('ends what runs when the gateway closes', async () => {
    const leaving = await fixture.start();
    const slow = slowTest();
    const running = act(leaving, 'run_tests', slow.params);
    await slow.started();
    await leaving.close();
    expect((await running).body.result).toMatchObject({ returncode: -1 });
    await untilDead(slow.pid());
  });

  it('lets floods of output through without keeping them', async () => {
    const folder = fixture.gateways.path('flood');
    mkdirSync(folder);
    writeFileSync(
      `${folder}/package.json`,
      JSON.stringify({
        scripts: {
          test: 'head -c 200m /dev/zero | tr "\\\\0" x; head -c 50m /dev/zero | tr "\\\\0" y >&2; exit 3',
        },
      }),
    );
    const before = process.memoryUsage().rss;
    const { body } = await act(gateway, 'run_tests', { working_dir: folder, runner: 'npm' });
    expect(body.result.returncode).toBe(3);
    expect(body.result.stdout).toHaveLength(8_192);
    expect(body.result.stderr).toHaveLength(4_096);
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1_048_576);
  }, 60_000);

  it('that is lost in mid-action leaves an unknown outcome: the same key never runs it again', async () => {
    const slow = slowTest();
    const running = act(gateway, 'run_tests', slow.params, keyOf('lost'));
    await slow.started();
    fixture.sshd.cutConnections();
    const lost = await running;
    expect(lost).toMatchObject({
      status: 504,
      body: { status: 'error', action: 'run_tests', outcome: 'unknown' },
    });
    expect(lost.body.error).toMatch(/^SSH action failed: /);
    // Its standard input has ended with the connection, and so has it.
    await untilDead(slow.pid());
    await untilHealthy(gateway);
    const settled = {
      status: 'error',
      action: 'run_tests',
      error: 'The answer of the executor was lost; whether the action took effect is unknown.',
    };
    const again = async () => (await act(gateway, 'run_tests', slow.params, keyOf('lost'))).body;
    expect(await again()).toEqual(settled);
    expect(await again()).toEqual({ ...settled, idempotent_replay: true });
    expect(slow.runs()).toBe(1);
    expect((await look()).status).toBe(200);
  });

  it('that is gone leaves nothing begun, and is found again when it is back', async () => {
    const { sshd } = fixture;
    await sshd.stopListening();
    sshd.cutConnections();
    await untilHealthy(gateway, false);
    const file = fixture.gateways.path('later');
    const write = () => act(gateway, 'file_write', { file, content: 'x' }, keyOf('later'));
    expect(await write()).toMatchObject({
      status: 503,
      body: { status: 'error', action: 'file_write', outcome: 'not_executed' },
    });
    expect((await fetch(`${gateway.url}/sessions`).then((reply) => reply.json())) as object).toEqual({
      sessions: [],
    });
    await sshd.open();
    await untilHealthy(gateway);
    const { body } = await write();
    expect(body).toMatchObject({ status: 'success' });
    expect(body).not.toHaveProperty('idempotent_replay');
    expect(readFileSync(file, 'utf8')).toBe('x');
  });

  it('that hangs costs GET /status nothing, and a command no more than its time', async () => {
    const hung = await fixture.start({ env: { OPENCLAW_SSH_COMMAND_TIMEOUT: '3' } });
    await untilHealthy(hung);
    const slow = slowTest();
    const running = act(hung, 'run_tests', slow.params, keyOf('hung'));
    await slow.started();
    fixture.sshd.freeze();
    for (let look = 0; look < 5; look++) {
      const asked = performance.now();
      await statusOf(hung);
      expect(performance.now() - asked).toBeLessThan(1_000);
    }
    const { status, body } = await running;
    expect(status).toBe(504);
    expect(body).toMatchObject({ outcome: 'unknown' });
    await untilHealthy(hung, false);
    expect(isAlive(slow.pid())).toBe(true);
    fixture.sshd.cutConnections();
    await untilDead(slow.pid());
    await untilHealthy(hung);
  });

  it('that accepts and says nothing is given up after the connect timeout', async () => {
    const sockets = new Set<net.Socket>();
    const silent = net.createServer((socket) => sockets.add(socket.on('error', () => undefined)));
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
    const port = String((silent.address() as AddressInfo).port);
    const waiting = await fixture.start({
      env: { OPENCLAW_SSH_PORT: port, OPENCLAW_SSH_CONNECT_TIMEOUT: '1' },
    });
    const asked = performance.now();
    expect((await statusOf(waiting))['ssh_fallback_healthy']).toBe(false);
    expect(performance.now() - asked).toBeLessThan(1_000);
    expect(await look(waiting)).toMatchObject({ status: 503, body: { outcome: 'not_executed' } });
    expect(performance.now() - asked).toBeLessThan(6_000);
    for (const socket of sockets) socket.destroy();
    await new Promise((done) => silent.close(done));
  });
});
