import { gzipSync } from 'node:zlib';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { begin, bodyOf, GatewayFixture, send, web } from './fixture.js';

let fixture: GatewayFixture;
beforeEach(async () => (fixture = await GatewayFixture.create()));
afterEach(() => fixture.close());

describe('a request', () => {
  it('reaches the service with its method, raw path, query, headers and body', async () => {
    const { gateway } = await fixture.serving((request, response) => {
      void bodyOf(request).then((body) =>
        response.end(
          JSON.stringify({
            method: request.method,
            url: request.url,
            raw: request.rawHeaders,
            body: body.toString(),
          }),
        ),
      );
    });
    const reply = await send(`${gateway}/v1/gateway/web/a%2Fb/..//c%20d?x=%zz&y=1?`, {
      method: 'PATCH',
      headers: { 'X-Case': 'Kept', 'content-type': 'text/plain' },
      body: 'hello',
    });
    const seen = JSON.parse(reply.body.toString());
    expect(seen).toMatchObject({ method: 'PATCH', url: '/a%2Fb/..//c%20d?x=%zz&y=1?', body: 'hello' });
    expect(seen.raw).toEqual(expect.arrayContaining(['X-Case', 'Kept']));
  });

  it('is told where it came from, and sees the host of the endpoint', async () => {
    const { web: url, upstream } = await fixture.serving((request, response) =>
      response.end(JSON.stringify(request.headers)),
    );
    const headers = {
      host: 'outside.example',
      'x-forwarded-for': '198.51.100.9',
      'x-forwarded-proto': 'https',
    };
    const seen = JSON.parse((await send(url, { headers })).body.toString());
    expect(seen).toMatchObject({
      host: new URL(upstream.url).host,
      'x-forwarded-for': '198.51.100.9, 127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'outside.example',
    });
  });

  it('is believed about its scheme when it comes from a trusted proxy', async () => {
    const { web: url } = await fixture.serving(
      (request, response) => response.end(request.headers['x-forwarded-proto']),
      { SKYNET_TRUSTED_PROXIES: '127.0.0.0/8' },
    );
    const reply = await send(url, { headers: { 'x-forwarded-proto': 'https' } });
    expect(reply.body.toString()).toBe('https');
  });

  it('loses hop-by-hop headers and our credentials on the way, and so does its answer', async () => {
    const { web: url } = await fixture.serving((request, response) => {
      response.setHeader('connection', 'close, x-inner');
      response.setHeader('x-inner', '1');
      response.setHeader('x-outer', '1');
      response.end(JSON.stringify(request.headers));
    });
    const reply = await send(url, {
      headers: {
        connection: 'x-private',
        'x-private': '1',
        te: 'trailers',
        'x-skyclaw-token': 'secret',
        'x-skyclaw-host-token': 'secret',
        authorization: 'Bearer theirs',
      },
    });
    const seen = JSON.parse(reply.body.toString());
    expect(seen).toMatchObject({ authorization: 'Bearer theirs' });
    expect(JSON.stringify(seen)).not.toMatch(/secret|x-private|trailers/);
    expect(reply.headers).toMatchObject({ 'x-outer': '1' });
    expect(reply.headers['x-inner']).toBeUndefined();
  });

  it.each(['GET', 'DELETE', 'OPTIONS', 'POST', 'PUT', 'QUERY'])('may have a body: %s', async (method) => {
    const { web: url } = await fixture.serving((request, response) => {
      void bodyOf(request).then((body) => response.end(body));
    });
    const whole = await send(url, { method, headers: { 'content-length': 4 }, body: 'four' });
    expect(whole.body.toString()).toBe('four');
    const chunked = await send(url, {
      method,
      headers: { 'transfer-encoding': 'chunked' },
      body: Readable.from(['in ', 'chunks']),
    });
    expect(chunked.body.toString()).toBe('in chunks');
  });

  it('arrives piece by piece while it is still being sent', async () => {
    let first: string | undefined;
    const { web: url } = await fixture.serving((request, response) => {
      request.once('data', (chunk: Buffer) => (first = chunk.toString()));
      request.resume().on('end', () => response.end('done'));
    });
    const body = new Readable({ read: () => undefined });
    const answer = send(url, { method: 'POST', body });
    body.push('piece');
    await eventually('the first piece arrives', () => Promise.resolve(first));
    body.push(null);
    expect([(await answer).body.toString(), first]).toEqual(['done', 'piece']);
  });

  it('ends at the service when its caller goes away', async () => {
    let ended = false;
    const { web: url } = await fixture.serving((_request, response) => {
      response.on('close', () => (ended = !response.writableFinished));
      response.write('never ends');
    });
    const answer = await begin(url);
    answer.destroy();
    await eventually('the service hears of it', () => Promise.resolve(ended ? true : undefined));
  });

  it('that offers HTTP/2, as many clients do, is an ordinary one', async () => {
    const { web: url } = await fixture.serving((request, response) => {
      void bodyOf(request).then((body) =>
        response.end(`${String(request.headers.upgrade)} ${body.toString()}`),
      );
    });
    const headers = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABk' };
    const reply = await send(url, { method: 'POST', headers, body: 'body' });
    expect([reply.status, reply.body.toString()]).toEqual([200, 'undefined body']);
  });
});

describe('an answer', () => {
  it('keeps its bytes when they are compressed, and every cookie', async () => {
    const zipped = gzipSync('hello '.repeat(1_000));
    const { web: url } = await fixture.serving((_request, response) => {
      response.writeHead(200, [
        ...['content-encoding', 'gzip', 'Set-Cookie', 'a=1; Path=/', 'Set-Cookie', 'b=2'],
        ...['content-length', String(zipped.length)],
      ]);
      response.end(zipped);
    });
    const reply = await send(url);
    expect(reply.body.equals(zipped)).toBe(true);
    expect(reply.headers['content-encoding']).toBe('gzip');
    expect(reply.headers['set-cookie']).toEqual(['a=1; Path=/', 'b=2']);
  });

  it('may be a redirect, empty, or about a resource that has not changed', async () => {
    const { web: url } = await fixture.serving((request, response) => {
      const status = Number(request.url?.slice(1));
      // A reason phrase that Node.js would not write itself.
      if (status === 404)
        return void response.socket?.end('HTTP/1.1 404 \u2603\r\ncontent-length: 0\r\n\r\n');
      response
        .writeHead(status, 'As It Is', status === 302 ? { location: '/elsewhere' } : { etag: '"x"' })
        .end();
    });
    expect(await send(`${url}/302`)).toMatchObject({ status: 302, headers: { location: '/elsewhere' } });
    expect(await send(`${url}/204`)).toMatchObject({ status: 204, body: Buffer.alloc(0) });
    expect(await send(`${url}/304`)).toMatchObject({ status: 304, headers: { etag: '"x"' } });
    expect((await begin(`${url}/418`)).statusMessage).toBe('As It Is');
    expect((await send(`${url}/404`)).status).toBe(404);
  });

  it('to HEAD has the length of the body that it leaves out', async () => {
    const { web: url } = await fixture.serving((_request, response) =>
      response.writeHead(200, { 'content-length': '1234' }).end(),
    );
    expect(await send(url, { method: 'HEAD' })).toMatchObject({
      status: 200,
      headers: { 'content-length': '1234' },
      body: Buffer.alloc(0),
    });
  });

  it('arrives head first, then event by event, before it ends', async () => {
    let next: (() => void) | undefined;
    const { web: url } = await fixture.serving((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      next = () => response.write('data: one\n\n');
    });
    const answer = await begin(url);
    next?.();
    const [chunk] = (await once(answer, 'data')) as [Buffer];
    expect(chunk.toString()).toBe('data: one\n\n');
    expect(answer.complete).toBe(false);
    answer.destroy();
  });

  it('that breaks off is broken off, and does not look whole', async () => {
    const { web: url } = await fixture.serving((_request, response) => {
      response.write('half');
      setImmediate(() => response.destroy());
    });
    await expect(send(url)).rejects.toThrow('aborted');
  });

  it('may come before all of the request has been sent', async () => {
    const { web: url } = await fixture.serving((_request, response) => {
      response.writeHead(413, { connection: 'close' }).end('too large');
    });
    const body = new Readable({ read: () => undefined });
    body.push(Buffer.alloc(1_000));
    expect(await send(url, { method: 'POST', body })).toMatchObject({
      status: 413,
      body: Buffer.from('too large'),
    });
    body.destroy();
  });
});

describe('a service', () => {
  it('is found by id before it is found by name, and by a name that needs encoding', async () => {
    const one = await fixture.upstream((_request, response) => response.end('one'));
    const two = await fixture.upstream((_request, response) => response.end('two'));
    fixture.coordinator.list([
      { id: 'svc_1', name: 'svc_2', endpoints: [one.url] },
      { id: 'svc_2', name: 'my web/ü', endpoints: [two.url] },
      { id: 'svc_3', name: 'stopped', endpoints: [one.url], status: 'stopped' },
    ]);
    const gateway = await fixture.start();
    const said = async (key: string) => (await send(`${gateway}/v1/gateway/${key}`)).body.toString();
    expect(await said('svc_2')).toBe('two');
    expect(await said(encodeURIComponent('my web/ü'))).toBe('two');
    expect(await said('stopped')).toBe('{"error":"no healthy endpoints for service stopped"}');
    const health = await send(`${gateway}/health`);
    expect(JSON.parse(health.body.toString())).toEqual({
      ok: true,
      services: ['my web/ü', 'svc_1', 'svc_2'],
    });
  });

  it('may lie below a path of its endpoint', async () => {
    const upstream = await fixture.upstream((request, response) => response.end(request.url));
    fixture.coordinator.list([web([`${upstream.url}/base/`])]);
    const gateway = await fixture.start();
    expect((await send(`${gateway}/v1/gateway/web/x?y`)).body.toString()).toBe('/base/x?y');
  });

  it('takes its endpoints in turn', async () => {
    const names = ['a', 'b', 'c'];
    const upstreams = await Promise.all(
      names.map((name) => fixture.upstream((_request, response) => response.end(name))),
    );
    fixture.coordinator.list([web(upstreams.map(({ url }) => url))]);
    const gateway = await fixture.start();
    const said = [];
    for (let turn = 0; turn < 6; turn++) said.push((await send(`${gateway}/v1/gateway/web`)).body.toString());
    expect(said.slice(0, 3).sort()).toEqual(names);
    expect(said.slice(3)).toEqual(said.slice(0, 3));
  });

  it('is not proxied to at a link-local address', async () => {
    fixture.coordinator.list([web(['http://169.254.169.254:80'])]);
    const gateway = await fixture.start();
    expect((await send(`${gateway}/v1/gateway/web`)).status).toBe(503);
  });
});
