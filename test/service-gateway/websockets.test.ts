import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import { eventually } from '../support/eventually.js';
import { GatewayFixture, raw, refusingUrl, send, type Upstream, web } from './fixture.js';

let fixture: GatewayFixture;
beforeEach(async () => (fixture = await GatewayFixture.create()));
afterEach(() => fixture.close());

/** A service that echoes what it hears, and says who asked when it hears `who`. */
async function echo(): Promise<Upstream> {
  const upstream = await fixture.upstream((_request, response) =>
    response.writeHead(426).end('upgrade, please'),
  );
  new WebSocketServer({ server: upstream.server }).on('connection', (socket, request) => {
    socket.on('message', (data, isBinary) => {
      const text = isBinary ? undefined : Buffer.from(data as Buffer).toString();
      if (text === 'who') socket.send(JSON.stringify({ url: request.url, headers: request.headers }));
      else socket.send(data as Buffer, { binary: isBinary });
    });
  });
  return upstream;
}

async function gatewayTo(urls: readonly string[], env: Record<string, string> = {}): Promise<string> {
  fixture.coordinator.list([web(urls)]);
  return (await fixture.start(env)).replace('http:', 'ws:');
}

async function opened(url: string, options: object = {}): Promise<WebSocket> {
  const socket = new WebSocket(url, options);
  await once(socket, 'open');
  return socket;
}

async function said(socket: WebSocket): Promise<Buffer> {
  const [data] = (await once(socket, 'message')) as [Buffer];
  return data;
}

async function refused(url: string): Promise<number | undefined> {
  const socket = new WebSocket(url);
  socket.on('error', () => undefined);
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode?: number }];
  socket.terminate();
  return response.statusCode;
}

describe('a WebSocket', () => {
  it('carries texts and large messages both ways, and its end', async () => {
    const upstream = await echo();
    const gateway = await gatewayTo([upstream.url]);
    const socket = await opened(`${gateway}/v1/gateway/web/chat?room=1%2F2`, {
      headers: { 'x-skyclaw-token': 'secret' },
    });
    const large = Buffer.alloc(3_000_000, 'x');
    const answer = said(socket);
    socket.send(large);
    expect((await answer).equals(large)).toBe(true);
    const who = said(socket);
    socket.send('who');
    const seen = JSON.parse(String(await who));
    expect(seen).toMatchObject({
      url: '/chat?room=1%2F2',
      headers: { host: new URL(upstream.url).host, 'x-forwarded-for': '127.0.0.1' },
    });
    expect(JSON.stringify(seen)).not.toContain('secret');
    socket.close(4_000, 'enough');
    expect((await once(socket, 'close'))[0]).toBe(4_000);
  });

  it('goes to another endpoint when one refuses, and to none without the token', async () => {
    const upstream = await echo();
    const gateway = await gatewayTo([await refusingUrl(), upstream.url], { SKYCLAW_GATEWAY_TOKEN: 'entry' });
    for (let call = 0; call < 3; call++) {
      (await opened(`${gateway}/v1/gateway/web`, { headers: { authorization: 'Bearer entry' } })).terminate();
    }
    expect(await refused(`${gateway}/v1/gateway/web`)).toBe(401);
    expect(await refused(`${gateway}/elsewhere`)).toBe(404);
  });

  it('that nobody agrees to is answered as the endpoint, or the gateway, says', async () => {
    const upstream = await fixture.upstream((_request, response) => response.writeHead(403).end('no'));
    upstream.server.on('upgrade', (_request, socket) => {
      socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno');
    });
    const gateway = await gatewayTo([upstream.url]);
    expect(await refused(`${gateway}/v1/gateway/web`)).toBe(403);
    expect(await refused(`${gateway}/v1/gateway/nobody`)).toBe(503);
    fixture.coordinator.list([web([await refusingUrl()])]);
    await eventually('the endpoint has changed', async () =>
      (await refused(`${gateway}/v1/gateway/web`)) === 502 ? true : undefined,
    );
  });

  it('is one of a limited number', async () => {
    const gateway = await gatewayTo([(await echo()).url], { SKYCLAW_GATEWAY_MAX_WEBSOCKETS: '1' });
    const first = await opened(`${gateway}/v1/gateway/web`);
    expect(await refused(`${gateway}/v1/gateway/web`)).toBe(503);
    first.terminate();
    await eventually('there is room again', async () => {
      const second = new WebSocket(`${gateway}/v1/gateway/web`);
      second.on('error', () => undefined);
      const isOpen = await Promise.race([
        once(second, 'open').then(() => true),
        once(second, 'unexpected-response').then(() => undefined),
      ]);
      second.terminate();
      return isOpen;
    });
  });

  it('ends when its endpoint has left the list for long enough', async () => {
    const gateway = await gatewayTo([(await echo()).url], { SKYCLAW_GATEWAY_TIMEOUT_MS: '200' });
    const socket = await opened(`${gateway}/v1/gateway/web`);
    const metrics = gateway.replace('ws:', 'http:') + '/metrics';
    expect((await send(metrics)).body.toString()).toContain('skyclaw_gateway_websockets 1\n');
    fixture.coordinator.list([]);
    await once(socket, 'close');
    expect((await send(metrics)).body.toString()).toContain('skyclaw_gateway_websockets 0\n');
  });

  it('begins with GET, and with an endpoint that speaks HTTP', async () => {
    const garbage = await fixture.upstream(() => undefined);
    garbage.server.on('upgrade', (_request, socket) => socket.end('garbage\r\n\r\n'));
    const gateway = (await gatewayTo([garbage.url])).replace('ws:', 'http:');
    const ask = (method: string) =>
      raw(
        gateway,
        `${method} /v1/gateway/web HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`,
      );
    expect(await ask('PUT')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await ask('GET')).toMatch(/^HTTP\/1\.1 502 /);
  });
});
