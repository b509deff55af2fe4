import { type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { errorOf, GatewayFixture, raw, send, type Upstream, web } from './fixture.js';

let fixture: GatewayFixture;
let upstream: Upstream;
let gateway: string;
beforeEach(async () => {
  fixture = await GatewayFixture.create();
  upstream = await fixture.upstream(
    (request, response) => void request.resume().on('end', () => response.end('fine')),
  );
  fixture.coordinator.list([web([upstream.url])]);
  gateway = await fixture.start({ SKYCLAW_GATEWAY_TOKEN: '' });
});
afterEach(async () => {
  // Whatever was sent, it still serves.
  expect((await send(`${gateway}/v1/gateway/web`)).body.toString()).toBe('fine');
  await fixture.close();
});

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
const head = (line: string, ...headers: string[]) => `${[line, 'host: x', ...headers].join('\r\n')}\r\n\r\n`;

describe('a request that is none of ours', () => {
  it.each([
    '/',
    '/v1/gateway',
    '/v1/gateway/',
    '/v1/gateway//web',
    '/v1/gateway/%ff',
    '/v1/gateway/%',
    '/health/x',
    '/V1/gateway/web',
  ])('is not found: %s', async (path) => {
    const reply = await send(gateway + path);
    expect([reply.status, errorOf(reply)]).toEqual([404, 'not found']);
  });

  it('is not found either when it only looks like one', async () => {
    expect((await send(`${gateway}/health`, { method: 'POST' })).status).toBe(404);
    expect(statusOf(await raw(gateway, head('OPTIONS * HTTP/1.1', 'connection: close')))).toBe(404);
    expect(statusOf(await raw(gateway, head('CONNECT example.com:443 HTTP/1.1')))).toBe(404);
  });

  it('may be written as to a proxy, and is read the same way', async () => {
    const answer = await raw(
      gateway,
      head('GET http://any.example/v1/gateway/web HTTP/1.1', 'connection: close'),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 .*fine/s);
  });
});

describe('what is no HTTP', () => {
  it.each([
    ['garbage', '\x16\x03\x01\x02\x00 hello\r\n\r\n'],
    ['a version from the future', 'GET / HTTP/9.9\r\n\r\n'],
    ['no host', 'GET /health HTTP/1.1\r\n\r\n'],
    ['a space in a name', head('GET /health HTTP/1.1', 'a b: c')],
    ['two lengths', head('POST /v1/gateway/web HTTP/1.1', 'content-length: 1', 'content-length: 2')],
    [
      'a length and chunks',
      head('POST /v1/gateway/web HTTP/1.1', 'content-length: 1', 'transfer-encoding: chunked'),
    ],
    ['an unknown encoding', head('POST /v1/gateway/web HTTP/1.1', 'transfer-encoding: gzip')],
    ['a bad chunk', `${head('POST /v1/gateway/web HTTP/1.1', 'transfer-encoding: chunked')}zz\r\n`],
    ['a negative length', head('POST /v1/gateway/web HTTP/1.1', 'content-length: -1')],
    ['a control character', head('GET /v1/gateway/web/\x01 HTTP/1.1')],
    ['a bare line feed within a value', head('GET /v1/gateway/web HTTP/1.1', 'a: b\nc\rd: e')],
  ])('is answered with 400: %s', async (_what, text) => {
    expect(statusOf(await raw(gateway, text))).toBe(400);
  });
});

describe('what is too large', () => {
  it('is answered with 431 or 414', async () => {
    const huge = await raw(gateway, head('GET /v1/gateway/web HTTP/1.1', `a: ${'x'.repeat(20_000)}`));
    expect([statusOf(huge), huge.includes('the request head is too large')]).toEqual([431, true]);
    const many = Array.from({ length: 4_000 }, (_, index) => `h${index}: v`);
    expect(statusOf(await raw(gateway, head('GET /v1/gateway/web HTTP/1.1', ...many)))).toBe(431);
    const reply = await send(`${gateway}/v1/gateway/web/${'x'.repeat(9_000)}`);
    expect(reply.status).toBe(414);
  });

  it('of an answer is a bad gateway', async () => {
    const large = await fixture.upstream((_request, response) =>
      response.setHeader('x-large', 'x'.repeat(30_000)).end(),
    );
    fixture.coordinator.list([web([large.url], { id: 'svc_large', name: 'large' }), web([upstream.url])]);
    const other = await fixture.start();
    const reply = await send(`${other}/v1/gateway/large`);
    expect([reply.status, errorOf(reply)]).toEqual([
      502,
      'an endpoint of service large gave an answer that cannot be passed on (UND_ERR_HEADERS_OVERFLOW)',
    ]);
  });
});

describe('an endpoint that speaks no HTTP', () => {
  it('is a bad gateway', async () => {
    const garbage = await fixture.upstream(() => undefined);
    garbage.server.removeAllListeners('connection');
    garbage.server.on('connection', (socket: Socket) => {
      socket.on('error', () => undefined);
      socket.resume().end('220 smtp.example ready\r\n');
    });
    fixture.coordinator.list([web([garbage.url], { id: 'svc_g', name: 'garbage' }), web([upstream.url])]);
    const other = await fixture.start();
    expect((await send(`${other}/v1/gateway/garbage`)).status).toBe(502);
  });
});

it('passes repeated and odd headers on without a fault', async () => {
  const headers = ['X-A', '1', 'X-A', '2', 'cookie', 'a=1', 'cookie', 'b=2', 'x-empty', '', 'x-high', '\xe9'];
  const reply = await send(`${gateway}/v1/gateway/web`, { headers: ['host', 'x', ...headers] });
  expect(reply.status).toBe(200);
});

it('serves requests that come one behind the other on a connection in their order', async () => {
  const one = head('GET /v1/gateway/web/1 HTTP/1.1');
  const answer = await raw(gateway, one + one + head('GET /health HTTP/1.1', 'connection: close'));
  expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(3);
  expect(answer.indexOf('"ok":true')).toBeGreaterThan(answer.lastIndexOf('fine'));
});

describe('with a token', () => {
  it('services and metrics need it, in either header, and /health does not', async () => {
    const seen: unknown[] = [];
    const inner = await fixture.upstream((request, response) => {
      seen.push([request.headers.authorization, request.headers['x-skyclaw-gateway-token']]);
      response.end();
    });
    fixture.coordinator.list([web([inner.url], { id: 'svc_i', name: 'inner' }), web([upstream.url])]);
    const closed = await fixture.start({ SKYCLAW_GATEWAY_TOKEN: 'entry' });
    const status = async (path: string, headers: Record<string, string> = {}) =>
      (await send(closed + path, { headers })).status;
    const refused = await send(`${closed}/v1/gateway/inner`, { headers: { authorization: 'Bearer wrong' } });
    expect([refused.status, refused.body.toString()]).toEqual([401, '{"error":"unauthorized"}']);
    expect(await status('/v1/gateway/nobody')).toBe(401);
    expect(await status('/metrics')).toBe(401);
    expect(await status('/metrics', { 'x-skyclaw-gateway-token': 'entry' })).toBe(200);
    expect(await status('/health')).toBe(200);
    expect(await status('/v1/gateway/inner', { authorization: 'bearer entry' })).toBe(200);
    const both = { authorization: 'Basic theirs', 'x-skyclaw-gateway-token': 'entry' };
    expect(await status('/v1/gateway/inner', both)).toBe(200);
    expect((await send(`${closed}/metrics`, { headers: both })).body.toString()).toContain(
      'skyclaw_gateway_refusals_total{status="401"} 3\n',
    );
    expect(seen).toEqual([
      [undefined, undefined],
      ['Basic theirs', undefined],
    ]);
  });
});
