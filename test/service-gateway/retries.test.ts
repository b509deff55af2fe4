import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type RequestListener } from 'node:http';
import { Readable } from 'node:stream';
import { eventually } from '../support/eventually.js';
import { begin, errorOf, GatewayFixture, raw, refusingUrl, send, web } from './fixture.js';

let fixture: GatewayFixture;
beforeEach(async () => (fixture = await GatewayFixture.create()));
afterEach(() => fixture.close());

const ok: RequestListener = (_request, response) => response.end('ok');
const says =
  (status: number, text = String(status)): RequestListener =>
  (_request, response) =>
    response.writeHead(status, { 'x-from': text }).end(text);

/** A gateway in front of endpoints that do as told; those without a listener refuse connections. */
async function before(
  listeners: readonly (RequestListener | undefined)[],
  env: Record<string, string> = {},
): Promise<{ url: string; gateway: string; hits: number[] }> {
  const hits = listeners.map(() => 0);
  const urls = await Promise.all(
    listeners.map(async (listener, index) => {
      if (listener === undefined) return refusingUrl();
      const upstream = await fixture.upstream((request, response) => {
        hits[index] = (hits[index] ?? 0) + 1;
        listener(request, response);
      });
      return upstream.url;
    }),
  );
  fixture.coordinator.list([web(urls)]);
  const gateway = await fixture.start(env);
  return { gateway, url: `${gateway}/v1/gateway/web`, hits };
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);

const statuses = async (url: string, count: number, method = 'GET') => {
  const all: number[] = [];
  for (let call = 0; call < count; call++) all.push((await send(url, { method })).status);
  return all;
};

/** The figures of `GET /metrics` whose line begins so, added up. */
async function figure(gateway: string, name: string): Promise<number> {
  const text = (await send(`${gateway}/metrics`)).body.toString();
  return text
    .split('\n')
    .filter((line) => line.startsWith(name))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

describe('an endpoint that refuses connections', () => {
  it('is left out after the first failure, which a GET does not notice', async () => {
    const { gateway, url } = await before([undefined, ok]);
    expect(await statuses(url, 6)).toEqual(Array(6).fill(200));
    expect(await figure(gateway, 'skyclaw_gateway_retries_total')).toBe(1);
    expect(await figure(gateway, 'skyclaw_gateway_ejections_total')).toBe(1);
    expect(await figure(gateway, 'skyclaw_gateway_endpoints{service="web",state="unhealthy"}')).toBe(1);
  });

  it('is answered with 502 and a reason when there is no other, and tried again all the same', async () => {
    const { gateway, url } = await before([undefined]);
    const reply = await send(url);
    expect(reply.status).toBe(502);
    expect(errorOf(reply)).toBe('an endpoint of service web does not answer (ECONNREFUSED)');
    expect(await statuses(url, 2)).toEqual([502, 502]);
    expect(await figure(gateway, 'skyclaw_gateway_retries_total')).toBe(3);
  });

  it('costs a POST its answer once, since it is tried at one endpoint only', async () => {
    const { url } = await before([undefined, ok]);
    expect((await statuses(url, 4, 'POST')).sort()).toEqual([200, 200, 200, 502]);
  });
});

describe('an endpoint that answers 503', () => {
  it('is left out, and the GET is answered by another', async () => {
    const { url, hits } = await before([says(503), ok]);
    expect(await statuses(url, 6)).toEqual(Array(6).fill(200));
    expect(hits).toEqual([1, 6]);
  });

  it('comes back when the cooldown is over', async () => {
    const { url, hits } = await before([says(503), ok], { SKYCLAW_GATEWAY_UNHEALTHY_COOLDOWN_MS: '1' });
    expect(await statuses(url, 6)).toEqual(Array(6).fill(200));
    expect(hits[0]).toBeGreaterThan(1);
  });

  it('gets the last word when nobody has a better one', async () => {
    const { url } = await before([says(503, 'first'), undefined]);
    for (const reply of [await send(url), await send(url)]) {
      expect(reply).toMatchObject({
        status: 503,
        headers: { 'x-from': 'first' },
        body: Buffer.from('first'),
      });
    }
    const { url: both } = await before([says(502), says(504)]);
    expect(await statuses(both, 4)).toEqual([504, 504, 504, 504]);
  });

  it('gets its answer passed on when the request may not be tried again', async () => {
    const { url, hits } = await before([says(503), says(503)]);
    expect(await statuses(url, 1, 'POST')).toEqual([503]);
    expect(sum(hits)).toBe(1);
  });
});

describe('a request', () => {
  it('that ends with another 5xx says nothing about the endpoint', async () => {
    const { gateway, url, hits } = await before([says(500), ok]);
    expect(await statuses(url, 4)).toEqual(expect.arrayContaining([500, 200, 500, 200]));
    expect(hits).toEqual([2, 2]);
    expect(await figure(gateway, 'skyclaw_gateway_ejections_total')).toBe(0);
  });

  it('is tried as often as the setting says, elsewhere first', async () => {
    const { url, hits } = await before([says(503), says(503), says(503), ok], {
      SKYCLAW_GATEWAY_RETRY_ATTEMPTS: '3',
    });
    expect(await statuses(url, 1)).toEqual([200]);
    expect(hits.slice(0, 3).every((count) => count <= 1)).toBe(true);
    const { url: never, hits: once } = await before([says(503), ok], { SKYCLAW_GATEWAY_RETRY_ATTEMPTS: '0' });
    expect((await statuses(never, 2)).sort()).toEqual([200, 503]);
    expect(once).toEqual([1, 1]);
  });

  it('with a short body is tried again with it, one with a stream of unknown length is not', async () => {
    const echo: RequestListener = (request, response) => void request.pipe(response);
    const { url } = await before([undefined, echo]);
    const short = { headers: { 'content-length': '5' }, body: 'short' };
    expect((await send(url, short)).body.toString()).toBe('short');
    const { url: other } = await before([undefined, undefined]);
    const stream = () => ({ headers: { 'transfer-encoding': 'chunked' }, body: Readable.from(['stream']) });
    expect((await send(other, stream())).status).toBe(502);
  });

  it('is not tried again without end when everything is down: a budget bounds the load', async () => {
    const { gateway, url, hits } = await before([says(503), says(503)]);
    await statuses(url, 60);
    const retries = await figure(gateway, 'skyclaw_gateway_retries_total');
    expect(retries).toBeGreaterThanOrEqual(10);
    expect(retries).toBeLessThanOrEqual(22);
    expect(sum(hits)).toBe(60 + retries);
    expect(await figure(gateway, 'skyclaw_gateway_retries_refused_total')).toBe(60 - retries);
  });
});

describe('a probe', () => {
  it('ejects what answers with 5xx or not at all, and brings it back', async () => {
    let status = 500;
    const upstream = await fixture.upstream((request, response) => {
      response.writeHead(request.url === '/live' ? status : 200).end();
    });
    fixture.coordinator.list([web([upstream.url], { healthPath: '/live' })]);
    const gateway = await fixture.start({
      SKYCLAW_GATEWAY_HEALTH_PROBE_MS: '20',
      SKYCLAW_GATEWAY_UNHEALTHY_COOLDOWN_MS: '3600000',
    });
    const healthy = (count: number) =>
      eventually(`${count} are healthy`, async () =>
        (await figure(gateway, 'skyclaw_gateway_endpoints{service="web",state="healthy"}')) === count
          ? true
          : undefined,
      );
    await healthy(0);
    status = 404;
    await healthy(1);
    await upstream.close();
    await healthy(0);
  });

  it('asks the default path of services that name none, and gives up in time', async () => {
    const asked: string[] = [];
    const { gateway } = await before([(request) => void asked.push(request.url ?? '')], {
      SKYCLAW_GATEWAY_HEALTH_PROBE_MS: '20',
      SKYCLAW_GATEWAY_HEALTH_PATH: '/ping',
      SKYCLAW_GATEWAY_HEALTH_TIMEOUT_MS: '50',
    });
    await eventually('it is unhealthy', async () =>
      (await figure(gateway, 'skyclaw_gateway_endpoints{service="web",state="unhealthy"}')) === 1
        ? true
        : undefined,
    );
    expect(new Set(asked)).toEqual(new Set(['/ping']));
  });
});

describe('what takes too long', () => {
  const short = { SKYCLAW_GATEWAY_TIMEOUT_MS: '100' };

  it('is answered with 504, and the endpoint is not blamed', async () => {
    const { gateway, url, hits } = await before([() => undefined], short);
    const reply = await send(url);
    expect([reply.status, errorOf(reply)]).toEqual([504, 'service web did not answer in time']);
    expect([hits, await figure(gateway, 'skyclaw_gateway_ejections_total')]).toEqual([[1], 0]);
  });

  it('within an answer breaks it off, unless it goes on piece by piece', async () => {
    const { url } = await before(
      [
        (request, response) => {
          response.write('begin');
          if (request.url !== '/slow') return;
          let pieces = 0;
          const timer = setInterval(() => {
            if (++pieces < 20) response.write('.');
            else response.end('end');
          }, 40);
          response.on('close', () => clearInterval(timer));
        },
      ],
      { SKYCLAW_GATEWAY_TIMEOUT_MS: '500' },
    );
    await expect(send(url)).rejects.toThrow('aborted');
    expect((await send(`${url}/slow`)).body.toString()).toBe(`begin${'.'.repeat(19)}end`);
  });

  it('does not concern an event stream, which may be quiet', async () => {
    let finish: (() => void) | undefined;
    const { url } = await before(
      [
        (request, response) => {
          if (request.url === '/quiet') return void response.write('begin');
          response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).flushHeaders();
          finish = () => response.end('data: late\n\n');
        },
      ],
      short,
    );
    const stream = await begin(`${url}/events`);
    // An answer that began later has been cut meanwhile.
    await expect(send(`${url}/quiet`)).rejects.toThrow('aborted');
    finish?.();
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    expect(text).toBe('data: late\n\n');
  });

  it('to be taken by the caller ends the connection, and the request to the service', async () => {
    let isCut = false;
    const { url } = await before(
      [
        (_request, response) => {
          response.on('close', () => (isCut = !response.writableFinished));
          response.write(Buffer.alloc(50_000_000));
        },
      ],
      short,
    );
    const answer = await begin(url);
    await eventually('the service hears of it', () => Promise.resolve(isCut ? true : undefined));
    answer.destroy();
  });

  it('to be sent is answered with 408', async () => {
    const { gateway, url } = await before(
      [(request, response) => void request.resume().on('end', () => response.end())],
      short,
    );
    const path = new URL(url).pathname;
    const reply = await raw(
      gateway,
      `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf`,
      /in time/,
    );
    expect(reply).toMatch(/^HTTP\/1\.1 408 .*the rest of the request body did not come in time/s);
  });
});
