import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Agent, type RequestListener } from 'node:http';
import http from 'node:http';
import { eventually } from '../support/eventually.js';
import { CoordinatorStub } from './coordinator-stub.js';
import { begin, errorOf, GatewayFixture, refusingUrl, send, type Upstream, web } from './fixture.js';

let fixture: GatewayFixture;
beforeEach(async () => (fixture = await GatewayFixture.create()));
afterEach(() => fixture.close());

const says =
  (text: string): RequestListener =>
  (_request, response) =>
    response.end(text);

const untilSaid = (url: string, text: string) =>
  eventually(`${url} says ${text}`, async () =>
    (await send(url)).body.toString().includes(text) ? true : undefined,
  );

describe('the list of services', () => {
  it('is asked for with the token, and looked at again and again', async () => {
    const [one, two] = [await fixture.upstream(says('one')), await fixture.upstream(says('two'))];
    fixture.coordinator.list([web([one.url])]);
    const url = `${await fixture.start({ SKYCLAW_TOKEN: 'coordinator-token' })}/v1/gateway/web`;
    expect((await send(url)).body.toString()).toBe('one');
    fixture.coordinator.list([web([two.url])]);
    await untilSaid(url, 'two');
    fixture.coordinator.list([]);
    await untilSaid(url, 'no healthy endpoints for service web');
    expect(fixture.coordinator.looks.every(({ token }) => token === 'coordinator-token')).toBe(true);
  });

  it('is taken over at once when the coordinator tells of changes', async () => {
    const [one, two] = [await fixture.upstream(says('one')), await fixture.upstream(says('two'))];
    fixture.coordinator.hasVersions = true;
    fixture.coordinator.list([web([one.url])]);
    const gateway = await fixture.start({ SKYCLAW_GATEWAY_REFRESH_MS: '3600000' });
    await eventually('it waits for a change', () =>
      Promise.resolve(fixture.coordinator.looks.find(({ url }) => /\?wait_ms=20000&since=\d+$/.test(url))),
    );
    fixture.coordinator.list([web([two.url])]);
    await untilSaid(`${gateway}/v1/gateway/web`, 'two');
    fixture.coordinator.list([web([one.url])]);
    await untilSaid(`${gateway}/v1/gateway/web`, 'one');
    expect(fixture.coordinator.looks.length).toBeLessThan(12);
  });

  it('may have many pages', async () => {
    const upstream = await fixture.upstream(says('here'));
    fixture.coordinator.pageSize = 2;
    const services = Array.from({ length: 5 }, (_, index) => ({
      id: `svc_${index}`,
      name: `name-${index}`,
      endpoints: [upstream.url],
    }));
    fixture.coordinator.list(services);
    const gateway = await fixture.start();
    expect((await send(`${gateway}/v1/gateway/name-4`)).body.toString()).toBe('here');
  });

  it('survives an outage of the coordinator, and is looked at again after it', async () => {
    const [one, two] = [await fixture.upstream(says('one')), await fixture.upstream(says('two'))];
    fixture.coordinator.list([web([one.url])]);
    const gateway = await fixture.start();
    await fixture.coordinator.close();
    await eventually('a look has failed', async () =>
      /list_refresh_failures_total [1-9]/.test((await send(`${gateway}/metrics`)).body.toString())
        ? true
        : undefined,
    );
    expect((await send(`${gateway}/v1/gateway/web`)).body.toString()).toBe('one');
    fixture.coordinator.list([web([two.url])]);
    await fixture.coordinator.open();
    await untilSaid(`${gateway}/v1/gateway/web`, 'two');
  });

  it('is asked of the next replica when one does not answer', async () => {
    const upstream = await fixture.upstream(says('one'));
    fixture.coordinator.list([web([upstream.url])]);
    const sick = await CoordinatorStub.start();
    sick.failWith = 500;
    const urls = [await refusingUrl(), sick.url, `${fixture.coordinator.url}/`].join(',');
    const gateway = await fixture.start({ SKYCLAW_COORDINATOR_URLS: urls });
    expect((await send(`${gateway}/v1/gateway/web`)).body.toString()).toBe('one');
    await sick.close();
  });

  it('that is not there yet, or is refused, is answered with 503; what listens is open all the same', async () => {
    fixture.coordinator.failWith = 401;
    const gateway = await fixture.start();
    const reply = await send(`${gateway}/v1/gateway/web`);
    expect([reply.status, errorOf(reply)]).toEqual([503, 'service list not loaded yet']);
    expect(JSON.parse((await send(`${gateway}/health`)).body.toString())).toEqual({ ok: true, services: [] });
    const upstream = await fixture.upstream(says('at last'));
    fixture.coordinator.list([web([upstream.url])]);
    fixture.coordinator.failWith = undefined;
    await untilSaid(`${gateway}/v1/gateway/web`, 'at last');
  });
});

describe('an endpoint that leaves the list', () => {
  it('gets nothing new, and ends what it has begun', async () => {
    let finish: (() => void) | undefined;
    const old = await fixture.upstream((request, response) => {
      if (request.url !== '/held') return void response.end('old');
      response.write('old ');
      finish = () => response.end('to the end');
    });
    const next = await fixture.upstream(says('next'));
    fixture.coordinator.list([web([old.url])]);
    const url = `${await fixture.start()}/v1/gateway/web`;
    const answer = await begin(`${url}/held`);
    fixture.coordinator.list([web([next.url])]);
    await untilSaid(url, 'next');
    finish?.();
    let text = '';
    for await (const chunk of answer) text += String(chunk);
    expect(text).toBe('old to the end');
    await eventually('its connections are closed', async () => {
      const count = await new Promise<number>((resolve) =>
        old.server.getConnections((_error, n) => resolve(n)),
      );
      return count === 0 ? true : undefined;
    });
  });

  it('may hold nothing open for longer than the time limit, not even an event stream', async () => {
    const old = await fixture.upstream((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    });
    fixture.coordinator.list([web([old.url])]);
    const url = `${await fixture.start({ SKYCLAW_GATEWAY_TIMEOUT_MS: '200' })}/v1/gateway/web`;
    const answer = await begin(url);
    fixture.coordinator.list([]);
    await expect(
      (async () => {
        for await (const chunk of answer) throw new Error(`There was a chunk: ${String(chunk)}`);
      })(),
    ).rejects.toThrow('aborted');
  });
});

it('loses no GET while endpoints are replaced under load', async () => {
  const serve = () =>
    fixture.upstream(
      (request, response) => void setTimeout(() => response.end(`answer to ${String(request.url)}`), 5),
    );
  let endpoints: readonly [Upstream, Upstream] = [await serve(), await serve()];
  fixture.coordinator.list([web(endpoints.map(({ url }) => url))]);
  const gateway = await fixture.start();
  const agent = new Agent({ keepAlive: true });
  const failures: string[] = [];
  let sent = 0;
  let answered = 0;
  const get = () => {
    sent++;
    const request = http.get(`${gateway}/v1/gateway/web/${sent}`, { agent }, (response) => {
      if (response.statusCode !== 200) failures.push(String(response.statusCode));
      response.resume().on('end', () => answered++);
    });
    request.on('error', (error) => failures.push(error.message));
  };
  // 200 a second.
  const timer = setInterval(get, 5);
  for (let swap = 0; swap < 4; swap++) {
    const [leaving, staying] = endpoints;
    const coming = await serve();
    endpoints = [staying, coming];
    const before = answered;
    await eventually('a hundred more are answered', () =>
      Promise.resolve(answered > before + 100 ? true : undefined),
    );
    // Every other one is gone before anybody hears of it.
    if (swap % 2 === 0) await leaving.close();
    fixture.coordinator.list([web(endpoints.map(({ url }) => url))]);
    if (swap % 2 === 1) {
      const looks = fixture.coordinator.looks.length;
      await eventually('the list has been taken over', () =>
        Promise.resolve(fixture.coordinator.looks.length > looks + 1 ? true : undefined),
      );
      leaving.server.close();
    }
  }
  clearInterval(timer);
  await eventually('all are answered', () =>
    Promise.resolve(answered + failures.length === sent ? true : undefined),
  );
  agent.destroy();
  expect(failures).toEqual([]);
  expect(sent).toBeGreaterThan(400);
});
