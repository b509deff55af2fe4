import http from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { fc } from '../support/properties.js';

const POST_ROUTES = [
  '/v1/register-gateway',
  '/v1/register-worker',
  '/v1/workers/w/heartbeat',
  '/v1/route-task',
  '/v1/tasks/enqueue',
  '/v1/tasks/claim',
  '/v1/tasks/t/start',
  '/v1/tasks/t/renew',
  '/v1/tasks/t/complete',
  '/v1/tasks/t/release',
  '/v1/tasks/t/retry',
  '/v1/tasks/t/cancel',
  '/v1/files/claim',
  '/v1/files/release',
  '/v1/tasks/batch',
  '/v1/tasks/start',
  '/v1/tasks/renew',
  '/v1/tasks/complete',
  '/v1/tasks/release',
];
const GET_ROUTES = [
  '/v1/tasks',
  '/v1/tasks/next',
  '/v1/tasks/t',
  '/v1/files/ownership',
  '/v1/agents',
  '/v1/events',
  '/v1/system-state',
  '/v1/ready',
];

describe('an open control plane', () => {
  let api: TestControlPlane;
  beforeAll(async () => (api = await startTestControlPlane({ env: { SKYNET_MAX_BODY_BYTES: '20000' } })));
  afterAll(() => api.close());

  it('says what it is', async () => {
    const { body } = await api.fetch('/');
    expect(body).toMatchObject({ service: 'SKYNET Control Plane API', status: 'online', docs: '/docs' });
    expect(Object.keys(body.endpoints)).toEqual([
      ...['register_gateway', 'register_worker', 'route_task', 'task_queue', 'task_list', 'task_next'],
      ...['system_state', 'agents', 'events', 'health'],
    ]);
  });

  it('reports health without a key, and the switched-off loops as not running', async () => {
    const { status, body } = await api.fetch('/v1/health');
    expect(status).toBe(200);
    expect(body.components).toMatchObject({
      control_scheduler: 'not_running',
      stale_lock_reaper: 'not_running',
    });
    expect((await api.fetch('/livez')).status).toBe(200);
    expect((await api.fetch('/startupz')).status).toBe(200);
    expect((await api.fetch('/readyz')).status).toBe(200);
    expect((await api.fetch('/v1/ready')).body).toEqual({ status: 'ok' });
  });

  it('tells unknown paths from wrong methods', async () => {
    expect(await api.fetch('/nothing')).toMatchObject({ status: 404, body: { detail: 'Not Found' } });
    const method = await api.call('DELETE', '/v1/tasks/claim');
    expect(method).toMatchObject({ status: 405, body: { detail: 'Method Not Allowed' } });
    expect(method.headers['allow']).toContain('POST');
  });

  it('lists all that is wrong with a body, in the words that clients know', async () => {
    const { status, body } = await api.post('/v1/tasks/enqueue', {
      params: [],
      priority: 1.5,
      dependencies: ['a', 3],
      required_files: 'x',
      delivery: 'fax',
    });
    expect(status).toBe(422);
    const found = body.detail.map((issue: { type: string; loc: unknown[] }) => [
      issue.type,
      issue.loc.join('.'),
    ]);
    expect(found.sort()).toEqual(
      [
        ['missing', 'body.action'],
        ['dict_type', 'body.params'],
        ['int_from_float', 'body.priority'],
        ['string_type', 'body.dependencies.1'],
        ['list_type', 'body.required_files'],
        ['literal_error', 'body.delivery'],
      ].sort(),
    );
  });

  it('reads decimal texts as integers and ignores fields that it does not know', async () => {
    const { body } = await api.post('/v1/tasks/enqueue', { action: 'a', priority: '7', colour: 'red' });
    expect(body.task.priority).toBe(7);
    expect(body.task).not.toHaveProperty('colour');
  });

  it('keeps params as they came, __proto__ included', async () => {
    const params = '{"z":1,"a":{"__proto__":{"x":1},"constructor":2},"n":1e-7,"u":"\\u00e9 😀"}';
    const { body } = await api.post(
      '/v1/tasks/enqueue',
      `{"action":"a","task_id":"kept","params":${params}}`,
    );
    expect(JSON.stringify(body.task.params)).toBe(JSON.stringify(JSON.parse(params)));
    const { text } = await api.fetch('/v1/tasks/kept');
    expect(text).toContain('"__proto__":{"x":1}');
  });

  it('answers as a problem document on new routes, and on old ones when asked', async () => {
    const renewed = await api.post('/v1/tasks/t/renew', { worker_id: 'w', claim_token: 'x' });
    expect(renewed.headers['content-type']).toContain('application/problem+json');
    expect(renewed.body).toMatchObject({ status: 409, detail: 'Illegal transition or task claim mismatch' });
    const started = await api.post('/v1/tasks/t/start', { worker_id: 'w', claim_token: 'x' });
    expect(started.body).toEqual({ detail: 'Illegal transition or task claim mismatch' });
    const asked = await api.post('/v1/tasks/t/start', {}, { accept: 'application/problem+json' });
    expect(asked.body).toMatchObject({ type: 'urn:skynet:problem:invalid-request', status: 422 });
    expect(asked.body.errors.map((entry: { pointer: string }) => entry.pointer).sort()).toEqual([
      '#/claim_token',
      '#/worker_id',
    ]);
  });

  it('carries a request id from the caller or of its own', async () => {
    expect((await api.fetch('/', { 'x-request-id': 'abc-1' })).headers['x-request-id']).toBe('abc-1');
    expect((await api.fetch('/', { 'x-request-id': 'a b' })).headers['x-request-id']).toMatch(
      /^[0-9a-f-]{36}$/,
    );
  });

  it('answers any origin without credentials, errors and preflights included', async () => {
    const reply = await api.fetch('/v1/tasks/none', { origin: 'https://x.example' });
    expect(reply.headers['access-control-allow-origin']).toBe('*');
    expect(reply.headers).not.toHaveProperty('access-control-allow-credentials');
    const preflight = await api.call('OPTIONS', '/v1/tasks', undefined, {
      origin: 'https://x.example',
      'access-control-request-method': 'GET',
    });
    expect(preflight.status).toBe(204);
  });

  it.each(POST_ROUTES)('survives malformed and hostile bodies on %s', async (route) => {
    const bodies = [
      '',
      '{',
      'null',
      '[]',
      '"x"',
      '1',
      '{"a":1}}',
      '[1,]',
      '\u0000',
      '{"action":"\\u0000"}',
      '{"action":"\\ud800"}',
      `{"params":${'['.repeat(9_000)}${']'.repeat(9_000)}}`,
      `{"action":"a","params":${'{"a":'.repeat(60)}1${'}'.repeat(60)}}`,
      JSON.stringify({
        action: "'; drop table tasks; --",
        worker_id: "' or 1=1",
        claim_token: '$1',
        task_id: 'x\n',
      }),
      JSON.stringify({ action: 'a'.repeat(500), worker_id: 'w'.repeat(500) }),
      '{"__proto__":{"action":"x"},"constructor":{"prototype":{}}}',
    ];
    for (const body of bodies) {
      const reply = await api.post(route, body);
      expect([
        route,
        body.slice(0, 40),
        reply.status < 500 || reply.body?.detail === 'No healthy gateway available',
      ]).toEqual([route, body.slice(0, 40), true]);
      expect(reply.text).not.toMatch(/at .*\.js:\d+|node_modules|select .* from/i);
    }
  });

  it('survives whatever JSON a client may think of', async () => {
    const field = fc.oneof(
      fc.jsonValue(),
      fc.string({ unit: 'binary' }),
      fc.double(),
      fc.constantFrom(null, '', 0, -1, 1e308),
    );
    const names = [
      'action',
      'params',
      'task_id',
      'priority',
      'dependencies',
      'required_files',
      'read_files',
      'files',
      'concurrency_key',
      'concurrency_limit',
      'paths',
      'project_id',
      'tasks',
      'items',
      'max',
      'claim_next',
      'gateway_id',
      'delivery',
      'worker_id',
      'claim_token',
      'success',
      'result',
      'error',
      'capabilities',
      'host',
      'lease_seconds',
      'max_attempts',
    ];
    const body = fc.dictionary(fc.constantFrom(...names), field);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...POST_ROUTES.filter((route) => route !== '/v1/register-gateway')),
        body,
        async (route, value) => {
          const reply = await api.post(route, value);
          return reply.status < 500 || reply.body?.detail === 'No healthy gateway available';
        },
      ),
      { numRuns: 600 },
    );
  });

  it.each(GET_ROUTES)('survives hostile queries on %s', async (route) => {
    for (const query of [
      'limit=x',
      'limit=-1',
      'limit=1.5',
      'limit=99999999999999999999',
      'cursor=%00',
      'cursor=e30',
      'cursor=WzFd',
      'status=%00',
      'since=yesterday',
      'since=2026-99-99',
      'after_id=-1',
      'after_id=x',
      'task_id=%00',
      'agent_id=%00',
      'after=zzz',
      'limit=1&limit=2',
      'agent_id[]=x',
      '%E0%A4%A=1',
    ]) {
      const reply = await api.fetch(`${route}?${query}`);
      expect([route, query, reply.status < 500]).toEqual([route, query, true]);
    }
  });

  it('takes no more of a body than it may, and says so', async () => {
    const reply = await api.post('/v1/tasks/enqueue', { action: 'a', params: { x: 'y'.repeat(30_000) } });
    expect(reply).toMatchObject({ status: 413, body: { detail: 'Request body too large' } });
    // A stream without a length is cut off as well, long before its end.
    const { hostname, port } = new URL(api.url);
    const status = await new Promise((done) => {
      const request = http.request(
        { hostname, port, path: '/v1/tasks/enqueue', method: 'POST' },
        (response) => {
          response.resume();
          done(response.statusCode);
        },
      );
      request.on('error', () => done('cut'));
      const chunk = Buffer.alloc(8_192, 'x');
      const pump = () => {
        if (!request.destroyed) request.write(chunk, (error) => (error ? undefined : setImmediate(pump)));
      };
      pump();
    });
    expect([413, 'cut']).toContain(status);
  });
});

describe('a control plane with a key', () => {
  let api: TestControlPlane;
  beforeAll(
    async () =>
      (api = await startTestControlPlane({
        env: { SKYNET_API_KEY: 'secret', CORS_ORIGINS: 'https://a.example' },
      })),
  );
  afterAll(() => api.close());

  it.each([...POST_ROUTES.map((route) => ['POST', route]), ...GET_ROUTES.map((route) => ['GET', route])])(
    'asks for it on %s %s, before it looks at the body',
    async (method, route) => {
      const reply = await api.call(method, route, method === 'POST' ? '{' : undefined);
      expect(reply.status).toBe(401);
      expect(reply.body.detail).toBe('Unauthorized');
    },
  );

  it('takes it in both forms, and the X-API-Key form wins when it is not empty', async () => {
    const get = async (headers: Record<string, string>) => (await api.fetch('/v1/tasks', headers)).status;
    expect(await get({ 'x-api-key': 'secret' })).toBe(200);
    expect(await get({ authorization: 'bEaReR secret' })).toBe(200);
    expect(await get({ 'x-api-key': '', authorization: 'Bearer secret' })).toBe(200);
    expect(await get({ 'x-api-key': 'wrong', authorization: 'Bearer secret' })).toBe(401);
    expect(await get({ authorization: 'Basic secret' })).toBe(401);
  });

  it.each([
    '/%761/tasks',
    '/v%31/tasks',
    '/v1/%74asks',
    '/v1/tasks/',
    '/v1/tasks/%2e',
    '/v1//tasks',
    '//v1/tasks',
    '/V1/tasks',
  ])('is not fooled by another spelling of a path: %s', async (path) => {
    // By hand: fetch would tidy the path up.
    const { hostname, port } = new URL(api.url);
    const status = await new Promise<number>((done, fail) => {
      http
        .request({ hostname, port, path }, (response) => {
          response.resume();
          done(response.statusCode ?? 0);
        })
        .once('error', fail)
        .end();
    });
    expect([401, 404]).toContain(status);
  });

  it('leaves open what orchestrators and newcomers need', async () => {
    for (const path of ['/', '/v1/health', '/livez', '/readyz', '/startupz']) {
      expect([path, (await api.fetch(path)).status]).toEqual([path, 200]);
    }
    expect((await api.fetch('/nothing')).status).toBe(404);
  });

  it('gives credentials to listed origins only', async () => {
    const from = async (origin: string) => (await api.fetch('/', { origin })).headers;
    expect(await from('https://a.example')).toMatchObject({
      'access-control-allow-origin': 'https://a.example',
      'access-control-allow-credentials': 'true',
    });
    expect(await from('https://b.example')).not.toHaveProperty('access-control-allow-origin');
  });
});

describe('the rate limit', () => {
  it('counts a client, spares health, and says when to come back', async () => {
    const api = await startTestControlPlane({ env: { SKYNET_DIAGNOSTIC_RATE_LIMIT_PER_MIN: '3' } });
    try {
      for (let call = 0; call < 3; call++) expect((await api.fetch('/v1/tasks')).status).toBe(200);
      const refused = await api.fetch('/v1/tasks', { 'x-forwarded-for': '203.0.113.9' });
      expect(refused).toMatchObject({ status: 429, body: { detail: 'Rate limit exceeded' } });
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
      expect((await api.fetch('/v1/health')).status).toBe(200);
    } finally {
      await api.close();
    }
  });

  it('believes X-Forwarded-For of trusted proxies only', async () => {
    const env = { SKYNET_DIAGNOSTIC_RATE_LIMIT_PER_MIN: '1', SKYNET_TRUSTED_PROXIES: '127.0.0.1' };
    const api = await startTestControlPlane({ env });
    try {
      const from = async (ip: string) => (await api.fetch('/v1/tasks', { 'x-forwarded-for': ip })).status;
      expect([await from('203.0.113.1'), await from('203.0.113.2'), await from('203.0.113.1')]).toEqual([
        200, 200, 429,
      ]);
    } finally {
      await api.close();
    }
  });
});
