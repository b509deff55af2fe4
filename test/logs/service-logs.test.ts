import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { RetentionLoop } from '../../src/control-plane/reaper/retention.loop.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { entry, LogClient } from './fixture.js';

let api: TestControlPlane;
let svc: string;
let count = 0;
beforeAll(async () => {
  api = await startTestControlPlane({ env: { SKYCLAW_LOG_MAX_BYTES: '2000' } });
  for (const hostId of ['h1', 'h2']) {
    await api.post('/v1/hosts/register', {
      ...{ hostId, name: hostId, capabilities: ['service-host'] },
      activeServices: [],
    });
  }
  await api.post('/v1/hosts/register', { hostId: 'h3', name: 'h3' });
});
afterAll(() => api.close());
beforeEach(async () => (svc = await deployedOn('h1', 'h2')));

/** A service of which each of the hosts has a replica. */
async function deployedOn(...hosts: readonly string[]): Promise<string> {
  const serviceId = `svc_${++count}`;
  const wish = { serviceId, name: serviceId, command: 'node', replicas: hosts.length };
  expect(await api.post('/v1/services', wish)).toMatchObject({ status: 200 });
  for (const host of hosts) {
    const { body } = await api.post(`/v1/hosts/${host}/services/claim`);
    expect(body.service).toMatchObject({ id: serviceId });
  }
  return serviceId;
}

const ship = (hostId: string, entries: readonly object[], more: object = {}) =>
  api.post(`/v1/services/${svc}/logs`, { hostId, attempt: 0, entries, ...more });
const read = async (query = '') => (await api.fetch(`/v1/services/${svc}/logs${query}`)).body;
const textsOf = async (): Promise<string[]> =>
  (await read()).entries.map(({ text }: { text: string }) => text);

describe('the output of a service', () => {
  it('is of all its hosts, replicas and starts, and never ends', async () => {
    await ship('h1', [entry(1, 'a')]);
    await ship('h2', [entry(1, 'b')]);
    await ship('h1', [entry(1, 'c')], { attempt: 1 });
    await ship('h1', [entry(1, 'd')], { slot: 1 });
    expect((await ship('h1', [entry(1, 'e')], { generation: 2 })).body).toEqual({
      ...{ ok: true, lastSeq: 1, full: false },
    });
    await ship('h1', [entry(1, 'again')], { generation: 2 });
    const { entries, next, truncated } = await read();
    expect(entries).toMatchObject([
      { text: 'a', hostId: 'h1', attempt: 0 },
      { text: 'b', hostId: 'h2' },
      { text: 'c', attempt: 1 },
      { text: 'd', slot: 1 },
      { text: 'e' },
    ]);
    expect([typeof next, truncated]).toEqual(['string', false]);
    expect(await read(`?after=${next}`)).toEqual({ entries: [], next, truncated: false });
  });

  it('is a ring for each host: what is older gives way', async () => {
    await ship('h2', [entry(1, 'other')]);
    for (let seq = 1; seq <= 30; seq++) {
      expect((await ship('h1', [entry(seq, `${seq}`.padEnd(100, '.'))])).body).toEqual({
        ...{ ok: true, lastSeq: seq, full: false },
      });
    }
    const texts = (await textsOf()).map((text) => text.replaceAll('.', ''));
    expect(texts).toEqual(['other', ...Array.from({ length: 20 }, (_, n) => `${n + 11}`)]);
    expect(await read()).toMatchObject({ truncated: true });
    await ship('h1', [entry(1, 'long gone')]);
    expect(await textsOf()).not.toContain('long gone');
  });

  it('keeps the newest of one call that is larger than the ring', async () => {
    const entries = Array.from({ length: 30 }, (_, n) => entry(n + 1, `${n + 1}`.padEnd(100, '.')));
    expect((await ship('h1', entries)).body).toMatchObject({ lastSeq: 30 });
    expect((await textsOf()).map((text) => text.replaceAll('.', ''))).toEqual(
      Array.from({ length: 20 }, (_, n) => `${n + 11}`),
    );
    await ship('h1', [entry(31, 'x'.repeat(5_000))]);
    expect(await textsOf()).toEqual(['x'.repeat(5_000)]);
    await ship('h1', [entry(32, 'y'.repeat(2_000))]);
    expect(await textsOf()).toEqual(['y'.repeat(2_000)]);
  });

  it('is followed from where one was, over what is gone meanwhile', async () => {
    await ship('h1', [entry(1, 'first')]);
    const client = await LogClient.follow(`${api.url}/v1/services/${svc}/logs?follow=1`);
    expect(await client.told(1)).toEqual(['first']);
    await ship('h2', [entry(1, 'second')]);
    expect(await client.told(2)).toEqual(['first', 'second']);
    client.close();
    await ship('h1', [entry(2, 'x'.repeat(2_000)), entry(3, 'y'.repeat(2_000))]);
    const again = await LogClient.follow(
      `${api.url}/v1/services/${svc}/logs?follow=1`,
      client.stream.frames.findLast(({ event }) => event === 'log')?.id,
    );
    expect(await again.told(1)).toEqual(['y'.repeat(2_000)]);
    again.close();
  });

  it('is shipped by the hosts that run it', async () => {
    expect(await ship('nobody', [])).toMatchObject({
      ...{ status: 404, body: { error: 'unknown host: nobody' } },
    });
    expect(await ship('h3', [])).toMatchObject({
      ...{ status: 409, body: { error: `service ${svc} is not assigned to host h3` } },
    });
    await api.call('DELETE', `/v1/services/${svc}`);
    expect(await ship('h1', [])).toMatchObject({
      ...{ status: 404, body: { error: `unknown service: ${svc}` } },
    });
    expect(await api.fetch(`/v1/services/${svc}/logs?follow=1`)).toMatchObject({
      ...{ status: 404, body: { error: 'service not found' } },
    });
  });

  it('goes with its service, and what is old goes before', async () => {
    await ship('h1', [entry(1, 'old')]);
    await api.query(`update output_entries set at = now() - interval '31 days' where subject_id = $1`, [svc]);
    await ship('h1', [entry(2, 'new')]);
    const gone = await deployedOn('h1');
    await api.post(`/v1/services/${gone}/logs`, { hostId: 'h1', attempt: 0, entries: [entry(1)] });
    await api.call('DELETE', `/v1/services/${gone}`);
    api.get(RetentionLoop).nudge();
    await eventually('the old line is gone', async () => ((await textsOf()).length === 1 ? true : undefined));
    expect(await textsOf()).toEqual(['new']);
    const tables = ['outputs', 'output_entries'];
    const left = await Promise.all(
      tables.map((table) => api.query(`select 1 from ${table} where subject_id = $1`, [gone])),
    );
    expect(left).toEqual([[], []]);
  });
});

it('a job and a service of one id have each their own', async () => {
  await ship('h1', [entry(1)]);
  expect((await api.fetch(`/v1/jobs/${svc}/logs`)).status).toBe(404);
});
