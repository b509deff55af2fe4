import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { type Json } from '../support/json.js';
import { aHost, aService, service, shortly, upkeep } from './fixture.js';

let api: TestControlPlane;
beforeAll(
  async () => (api = await startTestControlPlane({ env: { SKYCLAW_COORDINATOR_NODE_ID: 'node-a' } })),
);
afterAll(() => api.close());

describe('deploying', () => {
  it('answers the service with all its fields and their defaults', async () => {
    const deployed = await aService(api, { name: ' web ', args: ['server.js'], env: { KEY: 'secret' } });
    const { id, createdAt, updatedAt, ...rest } = deployed;
    expect(id).toMatch(/^svc_[0-9a-f-]{36}$/);
    expect(new Date(createdAt).toISOString()).toBe(createdAt);
    expect(updatedAt).toBe(createdAt);
    expect(rest).toEqual({
      ...{ name: 'web', command: 'node', args: ['server.js'], env: { KEY: 'secret' }, replicas: 1 },
      ...{ requiredCapabilities: ['service-host'], maxPerHost: 1, status: 'pending', generation: 1 },
      ...{ assignments: [], updatedBy: 'node-a', version: 1 },
    });
    await api.call('DELETE', `/v1/services/${id}`);
  });

  it('keeps what was given beside the defaults', async () => {
    const more = { cwd: '/srv', healthPath: '/health', image: 'node:22', network: true, maxPerHost: 3 };
    const deployed = await aService(api, {
      ...more,
      requiredCapabilities: [' gpu ', 'a', 'gpu'],
      replicas: 0,
    });
    expect(deployed).toMatchObject({ ...more, requiredCapabilities: ['a', 'gpu'], replicas: 0 });
    expect(await service(api, deployed.id)).toEqual(deployed);
  });

  it('changes only the number of replicas, and the name, while the spec is the same', async () => {
    const spec = { serviceId: 'same', name: 'same', command: 'node', env: { A: '1', B: '2' } };
    await aService(api, spec);
    const scaled = await aService(api, { ...spec, env: { B: '2', A: '1' }, replicas: 4 });
    expect(scaled).toMatchObject({ generation: 1, replicas: 4, version: 2 });
    const unchanged = await aService(api, { ...spec, replicas: 4 });
    expect(unchanged.generation).toBe(1);
    const changed = await aService(api, { ...spec, env: { A: '1', B: '3' }, replicas: 4 });
    expect(changed).toMatchObject({ generation: 2, env: { A: '1', B: '3' } });
    expect(changed.version).toBeGreaterThan(scaled.version);
  });

  it('refuses a name that a living service has, and gives it away once that is stopped', async () => {
    const first = await aService(api, { name: 'unique' });
    const second = await api.post('/v1/services', { name: 'unique', command: 'node' });
    expect(second).toMatchObject({ status: 409, body: { error: 'service name in use' } });
    const other = await aService(api, { serviceId: 'other' });
    const renamed = await api.post('/v1/services', { serviceId: other.id, name: 'unique', command: 'node' });
    expect(renamed).toMatchObject({ status: 409, body: { error: 'service name in use' } });
    await api.post(`/v1/services/${first.id}/stop`);
    await aService(api, { name: 'unique' });
    const again = await api.post('/v1/services', { serviceId: first.id, name: 'unique', command: 'node' });
    expect(again).toMatchObject({ status: 409, body: { error: 'service name in use' } });
  });

  it('has one winner of a name, and one service of an id, among many who deploy at once', async () => {
    const same = await Promise.all(
      Array.from({ length: 12 }, () => api.post('/v1/services', { name: 'contested', command: 'node' })),
    );
    expect(same.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(11).fill(409)]);
    const replies = await Promise.all(
      Array.from({ length: 12 }, () =>
        api.post('/v1/services', { serviceId: 'one', name: 'one-name', command: 'node' }),
      ),
    );
    expect(new Set(replies.map(({ status, body }) => `${status} ${body.service?.generation}`))).toEqual(
      new Set(['200 1']),
    );
  });

  it('happens once under an idempotency key, and shows the creator its values again', async () => {
    const body = { name: 'keyed', command: 'node', env: { A: 'secret' } };
    const key = { 'x-idempotency-key': 'deploy-1' };
    const first = await api.post('/v1/services', body, key);
    const second = await api.post('/v1/services', body, key);
    expect(second.headers['idempotent-replay']).toBe('true');
    expect(second.body).toEqual(first.body);
    const reuse = await api.post('/v1/services', { ...body, command: 'sh' }, key);
    expect(reuse).toMatchObject({
      status: 409,
      body: { error: 'idempotency key reuse conflict for route /v1/services' },
    });
  });
});

describe('what is refused', () => {
  it.each<[string, object]>([
    ['name is required', {}],
    ['name is required', { command: 'node' }],
    ['name is required', { name: ' ', command: 'node' }],
    ['command is required', { name: 'x' }],
    ['command is required', { name: 'x', command: '\t' }],
    ['replicas: Input must not be less than 0', { name: 'x', command: 'y', replicas: -1 }],
    ['replicas: Input must not be greater than 1000', { name: 'x', command: 'y', replicas: 1_001 }],
    [
      'replicas: Input should be a valid integer, got a number with a fractional part',
      { name: 'x', command: 'y', replicas: 1.5 },
    ],
    ['args: Input should be a valid list', { name: 'x', command: 'y', args: 'server.js' }],
    ['args.1: Input should be a valid string', { name: 'x', command: 'y', args: ['a', 1] }],
    ['env: Input should be a valid dictionary', { name: 'x', command: 'y', env: ['A=1'] }],
    ['env.A: Input should be a valid string', { name: 'x', command: 'y', env: { A: 1 } }],
    [
      'env.1A: A name should have letters, digits and underscores, and begin with none of the digits',
      { name: 'x', command: 'y', env: { '1A': '' } },
    ],
    [
      'env.A: Input should be the value itself; *** only stands for one that is not shown',
      { name: 'x', command: 'y', env: { A: '***' } },
    ],
    [
      'healthPath: Input should be a path that begins with / and has no blanks',
      { name: 'x', command: 'y', healthPath: 'health' },
    ],
    [
      'network: Input should not be false: a service without a network could be reached by nobody',
      { name: 'x', command: 'y', network: false },
    ],
  ])('%s', async (error, body) => {
    expect(await api.post('/v1/services', body)).toMatchObject({ status: 400, body: { error } });
  });

  it('is a spec that is too large, in its own words', async () => {
    const args = Array.from({ length: 20 }, () => 'x'.repeat(20_000));
    const { status, body } = await api.post('/v1/services', { name: 'large', command: 'y', args });
    expect(status).toBe(400);
    expect(body.error).toMatch(/^The service has \d+ bytes and should have at most 262144$/);
  });

  it('never leads to an error of ours', async () => {
    const host = await aHost(api, { id: 'hostile' });
    const good: Json = { name: 'n', command: 'c' };
    const odd = [null, 1, '', [], {}, true, '\u0000', 'x'.repeat(40_000), [[]], { a: { b: 1 } }, -1e300];
    const fields = ['name', 'command', 'args', 'env', 'replicas', 'requiredCapabilities', 'serviceId'];
    const bodies: unknown[] = [
      ...[
        '',
        'null',
        '[]',
        '{',
        '"x"',
        '{"name":"\\ud800","command":"y"}',
        '{"name":"\\u0000","command":"y"}',
      ],
      ...fields.flatMap((field) => odd.map((value) => ({ ...good, [field]: value }))),
      ...odd.map((value) => ({ ...good, env: { __proto__: null, constructor: value } })),
    ];
    const paths = ['/v1/services', `/v1/hosts/${host.id}/services/claim`, '/v1/services/x/report'];
    let refused = 0;
    for (const body of bodies) {
      for (const path of paths) {
        const { status } = await api.post(path, body);
        expect(status).toBeLessThan(500);
        if (status >= 400) refused++;
      }
    }
    expect(refused).toBeGreaterThan(100);
    for (const path of [
      '/v1/services/%00',
      '/v1/services/%ff',
      '/v1/services?cursor=%00',
      '/v1/services?cursor=WzllMzAsIngiXQ',
      '/v1/services?cursor=WzkwMDcxOTkyNTQ3NDA5OTEsIngiXQ',
      '/v1/services?limit=x',
      '/v1/services?wait_ms=99999999',
      '/v1/services?since=%00&wait_ms=1',
    ]) {
      expect((await api.fetch(path)).status).toBeLessThan(500);
    }
    const left = await api.query<{ name: string }>(`select name from services where name = 'n'`);
    for (const { body } of await Promise.all(left.map(() => api.fetch('/v1/services')))) {
      for (const { id, name } of body.services)
        if (name === 'n') await api.call('DELETE', `/v1/services/${id}`);
    }
  });
});

describe('an unknown service', () => {
  it.each([
    ['GET', '/v1/services/none', undefined, 'service not found'],
    ['GET', '/v1/services/none/rollout', undefined, 'service not found'],
    ['POST', '/v1/services/none/stop', {}, 'service not found'],
    ['POST', '/v1/services/none/restart', {}, 'service not found'],
    ['DELETE', '/v1/services/none', undefined, 'service not found'],
    ['PATCH', '/v1/services/none', { replicas: 1 }, 'service not found'],
    ['POST', '/v1/services/none/report', { hostId: 'h', status: 'running' }, 'unknown service: none'],
    ['POST', '/v1/hosts/none/services/claim', {}, 'unknown host: none'],
  ])('%s %s is 404', async (method, path, body, error) => {
    const reply = await api.call(method, path, body);
    expect(reply).toMatchObject({ status: 404, body: { error } });
  });

  it('is told on new routes by a problem document with the same text', async () => {
    const { headers, body } = await api.call('DELETE', '/v1/services/none');
    expect(headers['content-type']).toContain('application/problem+json');
    expect(body).toMatchObject({ type: 'urn:skynet:problem:service-not-found', error: 'service not found' });
  });
});

describe('the values of env', () => {
  it('are shown to the creator and the claiming host, and to nobody else', async () => {
    const host = await aHost(api, { capabilities: ['masked'] });
    const wish = { serviceId: 'masked', requiredCapabilities: ['masked'], env: { TOKEN: 'tell-nobody' } };
    const deployed = await aService(api, wish);
    expect(deployed.env).toEqual({ TOKEN: 'tell-nobody' });
    const claimed = await host.claim();
    expect(claimed?.service.env).toEqual({ TOKEN: 'tell-nobody' });
    const replies = [
      await api.fetch('/v1/services/masked'),
      await api.fetch('/v1/services'),
      await host.report({ serviceId: 'masked', slot: 0, generation: 1 }, 'running'),
      await api.call('PATCH', '/v1/services/masked', { replicas: 2 }),
      await api.post('/v1/services/masked/restart'),
      await api.fetch('/v1/services/masked/rollout'),
      await api.post('/v1/services/masked/stop'),
      await api.call('DELETE', '/v1/services/masked'),
    ];
    for (const { status, text } of replies) {
      expect(status).toBe(200);
      expect(text).not.toContain('tell-nobody');
    }
    expect(replies[0]?.body.service.env).toEqual({ TOKEN: '***' });
  });
});

describe('stopping and deleting', () => {
  it('tells the host to end the process, and lives again when it is deployed again', async () => {
    const host = await aHost(api, { capabilities: ['stop'] });
    const wish = { serviceId: 'stops', name: 'stops', requiredCapabilities: ['stop'] };
    await aService(api, wish);
    const process = await host.runOne();
    expect((await service(api, 'stops')).status).toBe('running');
    const stopped = await api.post('/v1/services/stops/stop');
    expect(stopped).toMatchObject({ status: 200, body: { service: { status: 'stopped', assignments: [] } } });
    expect((await api.post('/v1/services/stops/stop')).status).toBe(200);
    expect(await host.beat()).toEqual({ services: ['stops'], replicas: [] });
    expect(await host.claim()).toBeNull();
    expect((await api.post('/v1/services/stops/restart')).status).toBe(409);
    expect((await host.report(process, 'running')).status).toBe(409);
    expect((await host.report(process, 'failed')).status).toBe(200);
    expect(await host.beat()).toEqual({ services: [], replicas: [] });
    expect((await api.fetch('/v1/services/stops/rollout')).body.rollout.state).toBe('stopped');
    expect(await aService(api, wish)).toMatchObject({ status: 'pending', generation: 1 });
    expect(await host.runAll()).toHaveLength(1);
  });

  it('does not tell a host to end what it was given again since', async () => {
    const host = await aHost(api, { capabilities: ['again'] });
    const wish = { serviceId: 'again', name: 'again', requiredCapabilities: ['again'] };
    await aService(api, wish);
    const before = await host.runOne();
    await api.post('/v1/services/again/stop');
    await aService(api, wish);
    const after = await host.runOne();
    const { serviceId, slot, generation } = before;
    expect(await host.beat()).toEqual({ services: [], replicas: [{ serviceId, slot, generation }] });
    expect(after).not.toMatchObject({ slot, generation });
    expect(await host.beat([before, after])).toEqual({
      services: [],
      replicas: [{ serviceId, slot, generation }],
    });
    expect(await host.beat([after])).toEqual({ services: [], replicas: [] });
    expect(shortly(await service(api, 'again'))).toHaveLength(1);
  });

  it('takes a deleted service from the lists at once, and forgets it when its processes are gone', async () => {
    const host = await aHost(api, { capabilities: ['delete'] });
    await aService(api, { serviceId: 'deleted', name: 'deleted', requiredCapabilities: ['delete'] });
    const process = await host.runOne();
    const { body } = await api.call('DELETE', '/v1/services/deleted');
    expect(body.service).toMatchObject({ id: 'deleted', status: 'stopped' });
    expect((await api.fetch('/v1/services/deleted')).status).toBe(404);
    expect((await api.call('DELETE', '/v1/services/deleted')).status).toBe(404);
    const { services } = (await api.fetch('/v1/services')).body;
    expect(services.map(({ id }: Json) => id)).not.toContain('deleted');
    const rows = () => api.query(`select 1 from services where service_id = 'deleted'`);
    expect(await rows()).toHaveLength(1);
    expect(await host.beat([process])).toEqual({ services: ['deleted'], replicas: [] });
    expect(await host.beat([])).toEqual({ services: [], replicas: [] });
    await upkeep(api);
    expect(await rows()).toEqual([]);
  });

  it('makes a deleted id a new service', async () => {
    const host = await aHost(api, { capabilities: ['reborn'] });
    const wish = { serviceId: 'reborn', name: 'reborn', requiredCapabilities: ['reborn'] };
    const first = await aService(api, wish);
    await host.runAll();
    await api.call('DELETE', '/v1/services/reborn');
    const second = await aService(api, wish);
    expect(second).toMatchObject({ generation: 2, status: 'pending', assignments: [] });
    expect(second.createdAt >= first.createdAt).toBe(true);
    expect(await host.runAll()).toHaveLength(1);
  });
});

describe('the list', () => {
  it('is in the order of creation, by pages, and goes on where a page ends', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 5; index++) ids.push((await aService(api)).id);
    const all = (await api.fetch('/v1/services')).body.services.map(({ id }: Json) => id);
    expect(all.slice(-5)).toEqual(ids);
    const paged: string[] = [];
    let cursor = '';
    do {
      const { body } = await api.fetch(`/v1/services?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
      paged.push(...body.services.map(({ id }: Json) => id));
      cursor = body.next_cursor ?? '';
    } while (cursor !== '');
    expect(paged).toEqual(all);
    expect((await api.fetch('/v1/services?limit=0')).body).toEqual({ services: [] });
    expect((await api.fetch('/v1/services?cursor=x')).status).toBe(400);
  });

  it('answers 304 while nothing has changed by which requests are routed, and at once when it has', async () => {
    const host = await aHost(api, { capabilities: ['routed'] });
    await aService(api, { serviceId: 'routed', requiredCapabilities: ['routed'] });
    const { headers } = await api.fetch('/v1/services');
    const version = headers['x-services-version'] ?? '';
    expect(version).not.toBe('');
    const same = await api.fetch(`/v1/services?since=${version}&wait_ms=50`);
    expect(same).toMatchObject({ status: 304, text: '' });
    const process = await host.take();
    expect((await api.fetch(`/v1/services?since=${version}`)).status).toBe(304);
    const began = performance.now();
    const waiting = api.fetch(`/v1/services?since=${version}&wait_ms=20000`);
    await host.runs(process);
    const changed = await waiting;
    expect(changed.status).toBe(200);
    expect(changed.headers['x-services-version']).not.toBe(version);
    expect(performance.now() - began).toBeLessThan(10_000);
    const { services } = changed.body;
    expect(services.find(({ id }: Json) => id === 'routed')).toMatchObject({
      status: 'running',
      assignments: [{ endpoint: 'http://127.0.0.1:3100' }],
    });
    const next = changed.headers['x-services-version'] ?? '';
    const stopping = api.fetch(`/v1/services?since=${next}&wait_ms=20000`);
    await api.post('/v1/services/routed/stop');
    expect((await stopping).status).toBe(200);
  });
});
