import http from 'node:http';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Reply, startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { CuttableProxy } from '../support/cuttable-proxy.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';

const ALL_LOOPS = {
  SKYNET_CONTROL_SCHEDULER_ENABLED: '1',
  SKYNET_STALE_LOCK_REAPER_ENABLED: '1',
  SKYNET_CONTROL_SCHEDULER_POLL_SECS: '0.1',
  SKYNET_STALE_LOCK_REAPER_POLL_SECS: '0.1',
  SKYNET_GATEWAY_PROBE_SECS: '0.1',
};

describe('health, while the database comes and goes', () => {
  let database: TestDatabase;
  let proxy: CuttableProxy;
  let api: TestControlPlane;
  beforeAll(async () => {
    database = await createTestDatabase();
    proxy = await CuttableProxy.to(database.url);
    api = await startTestControlPlane({
      databaseUrl: proxy.url,
      env: { ...ALL_LOOPS, SKYNET_API_KEY: 'secret' },
    });
    await becomes('/readyz', 200);
  });
  afterAll(async () => {
    await api.close();
    await proxy.close();
    await database.drop();
  });
  const becomes = (path: string, status: number): Promise<Reply> =>
    eventually(`${path} answers ${status}`, async () => {
      const reply = await api.fetch(path, { 'x-api-key': 'secret' });
      return reply.status === status ? reply : undefined;
    });

  it('is ok in every part when all loops turn, and tells it to anybody', async () => {
    const { body } = await eventually('all is well', async () => {
      const reply = await api.fetch('/v1/health');
      return reply.body.status === 'ok' ? reply : undefined;
    });
    expect(body).toEqual({
      status: 'ok',
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      components: {
        control_registry: 'ok',
        gateway_client: 'ok',
        task_queue: 'ok',
        control_scheduler: 'ok',
        stale_lock_reaper: 'ok',
      },
    });
    expect((await api.fetch('/v1/ready')).status).toBe(401);
  });

  it('says at once that the database is away, which part it is, and recovers by itself', async () => {
    proxy.cut();
    const ready = await becomes('/readyz', 503);
    expect(ready.body).toMatchObject({ status: 'error', error: { database: { status: 'down' } } });
    expect(ready.body.details.replica).toEqual({ status: 'up' });
    const document = await becomes('/v1/ready', 503);
    expect(document.headers['content-type']).toContain('application/problem+json');
    expect(document.body.type).toBe('urn:skynet:problem:not-ready');
    expect(Number(document.headers['retry-after'])).toBeGreaterThan(0);
    const health = await api.fetch('/v1/health');
    expect(health.status).toBe(200);
    expect(health.body).toMatchObject({
      status: 'degraded',
      components: { control_registry: 'not_initialized', task_queue: 'not_initialized' },
    });
    const refused = await api.post('/v1/tasks/enqueue', { action: 'a' }, { 'x-api-key': 'secret' });
    expect(refused).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    expect(refused.body.detail).toBe('The database is not available; try again.');
    expect([(await api.fetch('/livez')).status, (await api.fetch('/startupz')).status]).toEqual([200, 200]);

    proxy.mend();
    await becomes('/readyz', 200);
    await becomes('/v1/tasks', 200);
  });
});

describe('a control plane that closes', () => {
  it('answers what is under way, ends idle connections, and takes no new ones', async () => {
    const api = await startTestControlPlane();
    const { hostname: host, port } = new URL(api.url);
    const idle = new http.Agent({ keepAlive: true });
    http.get({ host, port, path: '/livez', agent: idle }).on('response', (response) => response.resume());
    await once(idle, 'free');

    const body = '{"action":"late"}';
    const running = http.request({
      ...{
        host,
        port,
        path: '/v1/tasks/enqueue',
        method: 'POST',
        agent: new http.Agent({ keepAlive: true }),
      },
      headers: { 'content-length': body.length },
    });
    const answered = once(running, 'response') as Promise<[http.IncomingMessage]>;
    running.write(body.slice(0, 5));
    // The server has the head of the request once it has answered a later one.
    await api.fetch('/livez');

    const closed = api.close();
    await eventually('nobody is let in any more', () =>
      fetch(`${api.url}/livez`, { headers: { connection: 'close' } }).then(
        () => undefined,
        () => true,
      ),
    );
    running.end(body.slice(5));
    const [response] = await answered;
    expect(response.statusCode).toBe(200);
    expect(response.headers['connection']).toBe('close');
    response.resume();
    await closed;
  });
});
