import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { routesOf } from '../support/routes.js';

/** Sends a request line as it stands, which fetch would tidy up, and returns status and headers with the body. */
function raw(url: string, requestLine: string, headers = ''): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(url);
  return new Promise((done, fail) => {
    const socket = net.connect(Number(port), hostname, () =>
      socket.write(`${requestLine} HTTP/1.1\r\nHost: h\r\n${headers}Connection: close\r\n\r\n`),
    );
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.on('error', fail);
    socket.on('close', () => done({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]), text }));
  });
}

describe('a control plane with a key', () => {
  let api: TestControlPlane;
  const env = { SKYNET_API_KEY: 'secret', SKYCLAW_TOKEN: 'token', SKYCLAW_PUBLIC_API_KEYS: 'key:label' };
  beforeAll(async () => (api = await startTestControlPlane({ env })));
  afterAll(() => api.close());

  it('is closed on every route of its table below /v1, but for health', async () => {
    const routes = routesOf(api.server);
    expect(routes).toEqual(expect.arrayContaining(['GET /v1/tasks', 'POST /v1/tasks/enqueue', 'GET /livez']));
    const open: string[] = [];
    for (const route of routes) {
      const [method = '', path = ''] = route.split(' ');
      if (!path.startsWith('/v1')) continue;
      const { status } = await raw(api.url, `${method} ${path.replaceAll(/:\w+/g, 'x')}`);
      if (status !== 401) open.push(`${route}: ${status}`);
    }
    expect(open.sort()).toEqual(['GET /v1/health: 200', 'HEAD /v1/health: 200']);
  });

  it('knows exactly these routes outside of /v1, all open but for metrics', async () => {
    const outside = routesOf(api.server)
      .filter((route) => route.startsWith('GET ') && !route.includes('/v1/'))
      .map((route) => route.slice('GET '.length));
    expect(outside.filter((path) => !path.startsWith('/docs')).sort()).toEqual([
      '/',
      '/health',
      '/livez',
      '/metrics',
      '/readyz',
      '/startupz',
    ]);
    for (const target of ['/metrics', '/%6detrics', '/metrics/', '/metrics?x=1']) {
      expect([401, 404]).toContain((await raw(api.url, `GET ${target}`)).status);
    }
    expect((await raw(api.url, 'GET /metrics')).status).toBe(401);
    expect((await raw(api.url, 'GET /metrics', 'X-API-Key: secret\r\n')).status).toBe(200);
  });

  it.each([
    '/%761/tasks',
    '/%76%31/tasks',
    '/v1/%74asks',
    'http://h/v1/tasks',
    'HTTPS://h:1/v1/tasks',
    '/v1/tasks/',
    '/v1/tasks?x=%zz',
    '/v1/tasks#x',
    '//h/v1/tasks',
    '/./v1/tasks',
    '/x/../v1/tasks',
    '/v1%2ftasks',
    '/V1/tasks',
    '/v1;a=b/tasks',
  ])('gives nothing away for another spelling of a path: %s', async (target) => {
    for (const method of ['GET', 'HEAD']) {
      expect([401, 404]).toContain((await raw(api.url, `${method} ${target}`)).status);
    }
    const post = await raw(api.url, `POST ${target}/claim`, 'Content-Length: 0\r\n');
    expect([401, 404, 405]).toContain(post.status);
  });

  it('answers 401 with the scheme, and to HEAD without a body', async () => {
    const { headers } = await api.fetch('/v1/tasks');
    expect(headers['www-authenticate']).toBe('Bearer');
    const head = await raw(api.url, 'HEAD /v1/tasks');
    expect(head.status).toBe(401);
    expect(head.text.endsWith('\r\n\r\n')).toBe(true);
  });
});

describe('guessing keys', () => {
  it('is limited like every other call, however the path is spelt', async () => {
    const api = await startTestControlPlane({
      env: { SKYNET_API_KEY: 'secret', SKYNET_DIAGNOSTIC_RATE_LIMIT_PER_MIN: '4' },
    });
    try {
      const statuses = [];
      for (const target of ['/v1/tasks', '/%761/tasks', 'http://h/v1/tasks', '/metrics', '/v1/tasks']) {
        statuses.push((await raw(api.url, `GET ${target}`, 'X-API-Key: guess\r\n')).status);
      }
      expect(statuses).toEqual([401, 401, 401, 401, 429]);
      const { headers } = await api.fetch('/v1/tasks', { origin: 'https://x.example' });
      expect(headers['access-control-allow-origin']).toBe('*');
    } finally {
      await api.close();
    }
  });

  it('counts the /64 of an IPv6 client, and an IPv4 client however it is written', async () => {
    const api = await startTestControlPlane({
      env: {
        SKYNET_DIAGNOSTIC_RATE_LIMIT_PER_MIN: '1',
        SKYNET_TRUSTED_PROXIES: '127.0.0.0/8, nonsense, 10.0.0.0/99, ::1/128',
      },
    });
    try {
      const from = async (ip: string) => (await api.fetch('/v1/tasks', { 'x-forwarded-for': ip })).status;
      expect(await from('2001:db8::1')).toBe(200);
      expect(await from('2001:db8::2')).toBe(429);
      expect(await from('2001:db8:0:0:ffff::9')).toBe(429);
      expect(await from('2001:db8:0:1::1')).toBe(200);
      expect(await from('203.0.113.5')).toBe(200);
      expect(await from('::ffff:203.0.113.5')).toBe(429);
    } finally {
      await api.close();
    }
  });
});

describe('a listed origin', () => {
  it('may send credentials, and no other origin is told so', async () => {
    const api = await startTestControlPlane({ env: { CORS_ORIGINS: 'https://a.example' } });
    try {
      for (const [method, path] of [
        ['GET', '/'],
        ['GET', '/v1/tasks/none'],
        ['OPTIONS', '/v1/tasks'],
      ] as const) {
        const ask = (origin: string) =>
          api.call(method, path, undefined, { origin, 'access-control-request-method': 'GET' });
        expect((await ask('https://a.example')).headers).toMatchObject({
          'access-control-allow-origin': 'https://a.example',
          'access-control-allow-credentials': 'true',
        });
        const { headers } = await ask('https://b.example');
        expect(headers).not.toHaveProperty('access-control-allow-origin');
        expect(headers).not.toHaveProperty('access-control-allow-credentials');
      }
    } finally {
      await api.close();
    }
  });
});

describe('a URL that cannot be read', () => {
  it('is answered in our envelope, with a request id, and is not repeated', async () => {
    const api = await startTestControlPlane();
    try {
      const broken = await raw(api.url, 'GET /%zz<script>', 'X-Request-Id: abc\r\n');
      expect(broken.status).toBe(400);
      expect(broken.text).toMatch(/x-request-id: abc/i);
      expect(broken.text.endsWith('\r\n\r\n{"detail":"Bad Request"}')).toBe(true);
      const document = await raw(api.url, 'GET /%zz', 'Accept: application/problem+json\r\n');
      expect(document.text).toContain('"type":"urn:skynet:problem:bad-request"');
      const long = await raw(api.url, `GET /v1/tasks/${'a'.repeat(3_000)}`);
      expect(long.status).toBe(404);
      expect(long.text.endsWith('{"detail":"Not Found"}')).toBe(true);
    } finally {
      await api.close();
    }
  });
});
