import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LogStreamsService } from '../../src/control-plane/logs/follow/log-streams.service.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { aClaimedJob, type Claimed, complete, entry, LogClient, ship } from './fixture.js';

const ENV = {
  SKYNET_EVENT_STREAM_PING_SECS: '0.2',
  SKYNET_EVENT_STREAM_STALL_SECS: '0.5',
  SKYCLAW_LOG_STREAMS_MAX: '3',
  SKYCLAW_LOG_MAX_BYTES: '67108864',
};
let api: TestControlPlane;
let replica: TestControlPlane;
beforeAll(async () => {
  api = await startTestControlPlane({ env: ENV });
  replica = await startTestControlPlane({ env: ENV, databaseUrl: api.databaseUrl });
});
afterAll(async () => {
  await replica.close();
  await api.close();
});

const follow = (at: TestControlPlane, { id }: Claimed, lastEventId?: string) =>
  LogClient.follow(`${at.url}/v1/jobs/${id}/logs?follow=1`, lastEventId);

describe('a stream of a job', () => {
  it('tells what was printed, what is printed on any replica, and the end', async () => {
    const job = await aClaimedJob(api);
    await ship(api, job, [entry(1)]);
    const [here, there] = [await follow(api, job), await follow(replica, job)];
    for (const client of [here, there]) expect(await client.told(1)).toEqual(['line 1\n']);
    await ship(api, job, [entry(2)]);
    await ship(replica, job, [entry(3), entry(4, 'oh\n', 'stderr')]);
    const lines = ['line 1\n', 'line 2\n', 'line 3\n', 'oh\n'];
    for (const client of [here, there]) expect(await client.told(4)).toEqual(lines);
    await complete(api, job, { stdout: 'not told again' });
    for (const client of [here, there]) {
      expect(await client.end()).toEqual({ status: 'completed', exitCode: 0 });
      expect(await client.stream.over()).toBe('done');
      expect(client.texts).toEqual(lines);
    }
  });

  it('goes on where it broke off', async () => {
    const job = await aClaimedJob(api);
    await ship(api, job, [entry(1), entry(2)]);
    const first = await follow(api, job);
    await first.told(2);
    const seen = first.stream.frames.find(({ event }) => event === 'log')?.id;
    first.close();
    await ship(api, job, [entry(3)]);
    const second = await follow(replica, job, seen);
    expect(await second.told(2)).toEqual(['line 2\n', 'line 3\n']);
    await complete(api, job, { success: false, exitCode: 7, error: 'it broke' });
    expect(await second.end()).toEqual({ status: 'failed', exitCode: 7, error: 'it broke' });
    const third = await follow(api, job, second.stream.lastId);
    expect(await third.end()).toMatchObject({ status: 'failed' });
    expect(third.texts).toEqual([]);
  });

  it('ends with what the result says when nothing was shipped, each output once', async () => {
    const job = await aClaimedJob(api);
    const client = await follow(api, job);
    await complete(api, job, { stdout: 'out\n', stderr: 'err\n' });
    expect(await client.end()).toEqual({ status: 'completed', exitCode: 0 });
    expect(client.lines).toMatchObject([
      { stream: 'stdout', text: 'out\n' },
      { stream: 'stderr', text: 'err\n' },
    ]);
    const [, behindFirst] = client.stream.frames;
    const again = await follow(replica, job, behindFirst?.id);
    expect(await again.end()).toMatchObject({ status: 'completed' });
    expect(again.texts).toEqual(['err\n']);
  });

  it('waits for the second attempt when the first is lost, and for a job that is queued', async () => {
    const job = await aClaimedJob(api);
    const client = await follow(api, job);
    await ship(api, job, [entry(1, 'first\n')]);
    await client.told(1);
    await api.post('/v1/hosts/register', { hostId: job.hostId, name: 'x', capabilities: [job.hostId] });
    const { body } = await api.post(`/v1/hosts/${job.hostId}/claim`);
    const again = { ...job, attempts: 2, leaseToken: body.job.leaseToken };
    await ship(api, again, [entry(1, 'second\n')]);
    expect(await client.told(2)).toEqual(['first\n', 'second\n']);
    await api.post(`/v1/jobs/${job.id}/cancel`, { reason: 'enough' });
    expect(await client.end()).toEqual({ status: 'failed', exitCode: null, error: 'enough' });
  });

  it('breaks the silence', async () => {
    const job = await aClaimedJob(api);
    const client = await follow(api, job);
    await client.stream.frame('a ping', ({ comment }) => comment === 'ping');
    expect(client.stream.response.headers['content-type']).toContain('text/event-stream');
    client.close();
  });

  it('is over when the job is gone', async () => {
    const job = await aClaimedJob(api);
    const client = await follow(api, job);
    await api.query('delete from tasks where id = $1', [job.id]);
    expect(await client.stream.over()).toBe('done');
    expect((await follow(api, job)).stream.status).toBe(404);
  });

  it('misses nothing and repeats nothing however much is printed at once', async () => {
    const job = await aClaimedJob(api);
    const clients = [await follow(api, job), await follow(replica, job)];
    const calls = Array.from({ length: 60 }, (_, n) => [entry(2 * n + 1), entry(2 * n + 2)]);
    await Promise.all(calls.map((entries, n) => ship(n % 2 === 0 ? api : replica, job, entries)));
    await complete(api, job);
    for (const client of clients) {
      await client.end();
      const seqs = client.lines.map(({ seq }) => seq);
      expect(seqs.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 120 }, (_, n) => n + 1));
    }
  });

  it('is refused when the replica serves as many as it may, and let in when one is over', async () => {
    const job = await aClaimedJob(api);
    const clients = [await follow(api, job), await follow(api, job), await follow(api, job)];
    const refused = await follow(api, job);
    expect(refused.stream.status).toBe(503);
    expect(refused.stream.response.headers['retry-after']).toBe('5');
    clients[0]?.close();
    const late = await eventually('a stream is let in', async () => {
      const client = await follow(api, job);
      if (client.stream.status === 200) return client;
      client.close();
      return undefined;
    });
    for (const client of [...clients, late]) client.close();
  });

  it('is cut off when its client takes nothing, and costs the others nothing', async () => {
    const job = await aClaimedJob(api);
    for (let seq = 1; seq <= 80; seq++) await ship(api, job, [entry(seq, `${seq} `.padEnd(250_000, 'x'))]);
    const streams = (count: number) =>
      eventually(`${count} streams are open`, () =>
        Promise.resolve(api.get(LogStreamsService).count === count ? true : undefined),
      );
    await streams(0);
    const slow = await follow(api, job);
    slow.stream.response.pause();
    const quick = await follow(api, job);
    await quick.told(80);
    expect(quick.lines.map(({ seq }) => seq)).toEqual(Array.from({ length: 80 }, (_, n) => n + 1));
    await streams(1);
    slow.stream.response.resume();
    expect(await slow.stream.over()).toBe('cut');
    quick.close();
  });
});
