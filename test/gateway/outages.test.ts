import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { gatewayConfig, type RunningGateway, startGateway } from '../../src/gateway/index.js';
import { Env } from '../../src/platform/config/env.js';
import { createLogger } from '../../src/platform/logging/logger.js';
import { CuttableProxy } from '../support/cuttable-proxy.js';
import { eventually } from '../support/eventually.js';
import { act, GatewayFixture, post, type Reply, untilDead } from './fixture.js';

let fixture: GatewayFixture;
let way: CuttableProxy;
let gateway: RunningGateway;

beforeAll(async () => {
  fixture = await GatewayFixture.create();
});
beforeEach(async () => {
  way = await CuttableProxy.to(fixture.database.url);
  const env = new Env({ SKYNET_HTTP_PORT: '0', SKYNET_ALLOWED_ROOTS: fixture.root });
  gateway = await startGateway({
    config: { ...gatewayConfig(env), patienceMs: 100 },
    databaseUrl: way.url,
    logger: createLogger('test', 'silent'),
    env: process.env,
  });
});
afterEach(async () => {
  way.mend();
  await gateway.close();
  await way.close();
});
afterAll(() => fixture.close());

const keyOf = (task_id: string) => ({ task_id, idempotency_key: 'k' });
const look = (more: object = {}) => act(gateway, 'list_directory', { directory: fixture.root }, more);
const untilAnswered = (ask: () => Promise<Reply>) =>
  eventually('the database is back', async () => {
    const reply = await ask();
    return reply.status === 200 ? reply : undefined;
  });

describe('a gateway whose database is away', () => {
  it('says that nothing was executed only of requests that name no execution', async () => {
    way.cut();
    expect(await look()).toMatchObject({ status: 503, body: { outcome: 'not_executed' } });
    // Whether this key ran before stands in the database, and nowhere else.
    expect(await look(keyOf('away'))).toMatchObject({ status: 503, body: { outcome: 'unknown' } });
    way.mend();
    expect((await untilAnswered(() => look(keyOf('away')))).body.status).toBe('success');
  });

  it('says of an action that runs neither that it was not executed nor that it ended before that is recorded', async () => {
    const slow = fixture.slowTest('recorded');
    const first = act(gateway, 'run_tests', slow.params, keyOf('recorded'));
    await slow.started();
    way.cut();
    const second = act(gateway, 'run_tests', slow.params, keyOf('recorded'));
    slow.letGo();
    await untilDead(slow.pid());
    // Nothing tells that an answer is held back; this is longer than one would need that is not.
    const early = await Promise.race([first, wait(300)]);
    expect(early).toBeUndefined();
    way.mend();
    expect((await first).body).toMatchObject({ status: 'success', result: { returncode: 0 } });
    expect((await second).body.outcome).not.toBe('not_executed');
    const replay = await act(gateway, 'run_tests', slow.params, keyOf('recorded'));
    expect(replay.body).toMatchObject({ idempotent_replay: true, result: { returncode: 0 } });
    expect(slow.runs()).toBe(1);
  });

  it('obeys an emergency stop at once, keeps to it, and writes it down when it can', async () => {
    const slow = fixture.slowTest('stopped');
    const running = act(gateway, 'run_tests', slow.params);
    await slow.started();
    way.cut();
    const asked = performance.now();
    expect((await post(gateway, '/emergency-stop')).status).toBe(503);
    expect((await running).body.result.returncode).toBe(-1);
    expect(performance.now() - asked).toBeLessThan(1_000);
    expect((await look()).body.error).toBe('Emergency stop is active — all execution suspended.');
    way.mend();
    await eventually('it is written down', async () => {
      const { rows } = await fixture.sql.query('select 1 from gateway.emergency_stop');
      return rows.length > 0 ? true : undefined;
    });
    expect((await post(gateway, '/resume')).status).toBe(200);
    expect((await look()).body.status).toBe('success');
  });

  it('closes in time, although what became of an action cannot be recorded', async () => {
    const slow = fixture.slowTest('closing');
    const running = act(gateway, 'run_tests', slow.params, keyOf('closing'));
    await slow.started();
    way.cut();
    const asked = performance.now();
    await gateway.close();
    expect(performance.now() - asked).toBeLessThan(6_000);
    expect((await running).body.result.returncode).toBe(-1);
    const { rows } = await fixture.sql.query(
      "select state from gateway.executions where task_id = 'closing'",
    );
    expect(rows).toEqual([{ state: 'running' }]);
  });
});

describe('callers who hold their connection', () => {
  async function send(text: string): Promise<net.Socket> {
    const { hostname, port } = new URL(gateway.url);
    const socket = net.connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.on('error', () => undefined).resume();
    socket.write(text);
    return socket;
  }

  it('do not hold up a shutdown, whether they never finish or only wait', async () => {
    const sockets = [
      await send('POST /action HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{'),
      await send('GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n'),
    ];
    await fetch(`${gateway.url}/livez`);
    const asked = performance.now();
    await gateway.close();
    expect(performance.now() - asked).toBeLessThan(4_000);
    for (const socket of sockets) socket.destroy();
  });
});
