import { type ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { StreamsService } from '../../src/control-plane/events/stream/streams.service.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { type Frame, StreamClient } from '../support/event-stream.js';

const FAST = { SKYNET_EVENT_STREAM_PING_SECS: '0.2', SKYNET_EVENT_STREAM_STALL_SECS: '1' };

let api: TestControlPlane;
beforeAll(async () => (api = await startTestControlPlane({ env: FAST })));
afterAll(() => api.close());

const enqueue = (id: string, server = api) =>
  server.post('/v1/tasks/enqueue', { task_id: id, action: 'act' });

/**
 * Enqueues and waits until the log tells of it, as it does as soon as nobody on the whole server has an older
 * transaction open: a stream that begins earlier still tells of it.
 */
async function enqueueAndList(id: string): Promise<void> {
  await enqueue(id);
  await eventually(`the log tells of ${id}`, async () => {
    const { body } = await api.fetch(`/v1/events?after=&task_id=${id}`);
    return body.events.length > 0 ? true : undefined;
  });
}

/** Connects and waits until the stream has begun, so that what happens next is new to it. */
async function follow(query = '', headers: Record<string, string> = {}, server = api): Promise<StreamClient> {
  const client = await StreamClient.connect(server.url, query, headers);
  await client.frame('the beginning', ({ retry }) => retry !== undefined);
  return client;
}

const idsOf = (client: StreamClient) => client.events.map((event) => event.task_id);
const txidOf = (cursor = '') =>
  BigInt(cursor === '' ? 0 : JSON.parse(Buffer.from(cursor, 'base64url').toString())[0]);
const isPing = (frame: Frame) => frame.comment === 'ping';

describe('a stream', () => {
  it('begins with the time to wait before a retry, and tells what happens from then on as the list shows it', async () => {
    await enqueueAndList('before');
    const client = await follow();
    expect(client.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'access-control-allow-origin': '*',
    });
    expect(client.response.headers['x-request-id']).toBeDefined();
    expect(client.frames[0]?.retry).toBe('2000');
    await enqueue('new');
    await client.told(1);
    const frame = client.frames.find(({ event }) => event === 'enqueued');
    const { body } = await api.fetch('/v1/events?task_id=new');
    expect(JSON.parse(frame?.data ?? '')).toEqual(body.events[0]);
    expect(idsOf(client)).toEqual(['new']);
    client.close();
  });

  it('goes on after Last-Event-ID where it was broken off, which wins over after', async () => {
    const first = await follow();
    await enqueue('r-1');
    await enqueue('r-2');
    await first.told(2);
    const afterFirst = first.frames.find(({ data }) => data?.includes('"r-1"'))?.id ?? '';
    first.close();
    await enqueue('r-3');
    const again = await follow('?after=', { 'last-event-id': afterFirst });
    await again.told(2);
    await enqueue('r-4');
    await again.told(3);
    expect(idsOf(again)).toEqual(['r-2', 'r-3', 'r-4']);
    const byQuery = await follow(`?after=${again.lastId}`);
    await enqueue('r-5');
    await byQuery.told(1);
    expect(idsOf(byQuery)).toEqual(['r-5']);
    again.close();
    byQuery.close();
  });

  it('begins with the oldest event for an empty after, and takes positions of the list', async () => {
    const { body } = await api.fetch('/v1/events?after=&limit=1000');
    const all = await follow('?after=');
    await all.told(body.events.length);
    expect(all.events.map(({ id }) => id)).toEqual(body.events.map(({ id }: { id: number }) => id));
    const none = await follow(`?after=${body.position}`);
    await enqueue('after-position');
    await none.told(1);
    expect(idsOf(none)).toEqual(['after-position']);
    all.close();
    none.close();
  });

  it('says where it stands while nothing happens, also when others hear of something', async () => {
    const client = await follow('?task_id=nobody');
    const neighbour = await follow('?task_id=for-others');
    await enqueue('for-others');
    await neighbour.told(1);
    const passed = neighbour.frames.find(({ event }) => event === 'enqueued')?.id;
    neighbour.close();
    await eventually('a ping has a position beyond what others were told', () => {
      const last = client.frames.findLast(isPing)?.id;
      return Promise.resolve(txidOf(last) > txidOf(passed) ? true : undefined);
    });
    const at = client.lastId;
    client.close();
    expect(client.events).toEqual([]);
    const others = await follow('', { 'last-event-id': at });
    await enqueue('for-others-2');
    await others.told(1);
    expect(idsOf(others)).toEqual(['for-others-2']);
    others.close();
  });

  it('answers HEAD with its headers, and counts no stream', async () => {
    const { status, headers } = await api.call('HEAD', '/v1/events/stream');
    expect([status, headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8']);
    await eventually('no stream is left', () =>
      Promise.resolve(api.get(StreamsService).count === 0 ? true : undefined),
    );
  });

  it('refuses what it does not understand as a problem document', async () => {
    for (const [query, headers, pointer] of [
      ['?after=nonsense', {}, '#/after'],
      ['', { 'last-event-id': 'nonsense' }, '#/last-event-id'],
      [
        '',
        { 'last-event-id': Buffer.from('["9999999999999999999",1]').toString('base64url') },
        '#/last-event-id',
      ],
      ['?type=enqueued,exploded', {}, '#/type'],
    ] as const) {
      const reply = await api.fetch(`/v1/events/stream${query}`, headers);
      expect(reply.status).toBe(422);
      expect(reply.headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(reply.body.errors[0].pointer).toBe(pointer);
    }
  });

  it('is told to begin anew when its position is from another database, and gets what is kept', async () => {
    const future = Buffer.from('["900000000000000000",1]').toString('base64url');
    const client = await follow('', { 'last-event-id': future });
    const { data = '', id } = await client.frame('a reset', ({ event }) => event === 'reset');
    expect(JSON.parse(data)).toEqual({ reason: 'unknown-position', position: id });
    await enqueue('after-reset');
    await eventually('the new event has come', () =>
      Promise.resolve(idsOf(client).includes('after-reset') ? true : undefined),
    );
    expect(idsOf(client)).toContain('before');
    client.close();
  });
});

describe('filters', () => {
  it('choose by task, type and project, in the list and in the stream, behind and at the end', async () => {
    await enqueueAndList('f-a');
    await enqueueAndList('f-b');
    await api.query(`insert into tasks (id, action, params, gate, max_attempts, lease_seconds, project_id)
      values ('f-p', 'a', '{}', 0, 1, 1, 'other')`);
    const write = (task: string, type: string) =>
      api.query('insert into events (task_id, task_version, event_type) values ($1, 1, $2)', [task, type]);
    const questions = [
      ['task_id=f-a', ['f-a enqueued', 'f-a failed']],
      ['type=failed,%20released&project_id=default', ['f-b released', 'f-a failed']],
      ['project_id=other', ['f-p claimed', 'f-p failed']],
      ['project_id=other&type=failed', ['f-p failed']],
      ['task_id=f-p&project_id=default', []],
    ] as const;
    const beginning = await follow();
    const start = beginning.lastId;
    beginning.close();
    const live = await Promise.all(questions.map(([query]) => follow(`?${query}`)));
    for (const [task, type] of [
      ['f-a', 'enqueued'],
      ['f-p', 'claimed'],
      ['f-b', 'released'],
      ['f-a', 'failed'],
      ['f-p', 'failed'],
    ] as const)
      await write(task, type);
    const short = (events: { task_id: string; event_type: string }[]) =>
      events.map((event) => `${event.task_id} ${event.event_type}`);
    for (const [index, [query, expected]] of questions.entries()) {
      const client = live[index];
      await client?.told(expected.length);
      expect(short(client?.events ?? [])).toEqual(expected);
      const behind = await follow(`?${query}&after=${start}`);
      await behind.told(expected.length);
      expect(short(behind.events)).toEqual(expected);
      for (const list of [`after=${start}`, `limit=${expected.length}`]) {
        const { body } = await api.fetch(`/v1/events?${query}&${list}`);
        expect(short(body.events)).toEqual(expected);
      }
      client?.close();
      behind.close();
    }
    expect((await api.fetch('/v1/events?type=exploded')).status).toBe(422);
  });

  it('find rare events behind many others, page by page, without one long look', async () => {
    await api.query(
      `insert into events (task_id, task_version, event_type)
       select 'many', n, case n % 6000 when 0 then 'cancelled' else 'claimed' end from generate_series(1, 18000) n`,
    );
    const client = await follow('?after=&type=cancelled');
    await client.told(3);
    const { body } = await api.fetch('/v1/events?after=&type=cancelled');
    expect(body.events).toHaveLength(3);
    expect((await api.fetch('/v1/events?type=cancelled&limit=2')).body.events).toEqual(body.events.slice(1));
    const first = body.events[0].id as number;
    const next = await api.fetch(`/v1/events?after_id=${first}&type=cancelled&limit=1`);
    expect(next.body.events).toEqual([body.events[1]]);
    expect(
      (await api.fetch(`/v1/events?after_id=${first}&limit=2`)).body.events.map(
        (event: { id: number }) => event.id,
      ),
    ).toEqual([first + 1, first + 2]);
    client.close();
  });
});

describe('a client that takes nothing', () => {
  it('is cut off after a while, what waits for it meanwhile is bounded, and it goes on later where it was', async () => {
    await api.query(
      `insert into events (task_id, task_version, event_type, message)
       select 'flood', n, 'claimed', repeat('x', 1900) from generate_series(1, 15000) n`,
    );
    const answers: ServerResponse[] = [];
    const catcher = (_request: unknown, response: ServerResponse) => answers.push(response);
    api.server.server.on('request', catcher);
    const client = await StreamClient.connect(api.url, '?after=&task_id=flood');
    client.response.pause();
    const [answer] = answers;
    let most = 0;
    await eventually('it is cut off', () => {
      most = Math.max(most, answer?.writableLength ?? 0, answer?.socket?.writableLength ?? 0);
      return Promise.resolve(answer?.destroyed ? true : undefined);
    });
    api.server.server.off('request', catcher);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(512 * 1_024);
    client.response.resume();
    expect(await client.over()).toBe('cut');
    const received = client.events.length;
    expect(received).toBeLessThan(15_000);
    const again = await follow('?task_id=flood', { 'last-event-id': client.lastId });
    await again.told(15_000 - received);
    expect(again.events.length).toBe(15_000 - received);
    again.close();
  });
});

describe('limits', () => {
  it('on streams answer 503, and free a place when a stream ends', async () => {
    const small = await startTestControlPlane({ env: { SKYNET_EVENT_STREAMS_MAX: '1' } });
    try {
      const client = await follow('', {}, small);
      const refused = await small.fetch('/v1/events/stream');
      expect(refused.status).toBe(503);
      expect(refused.headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(refused.body.type).toBe('urn:skynet:problem:too-many-streams');
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
      client.close();
      const next = await eventually('a place is free', async () => {
        const other = await StreamClient.connect(small.url);
        if (other.status === 200) return other;
        other.close();
        return undefined;
      });
      next.close();
    } finally {
      await small.close();
    }
  });

  it('on requests count the connect, and the key is asked for as elsewhere', async () => {
    const closed = await startTestControlPlane({
      env: { SKYNET_API_KEY: 'secret', SKYNET_DIAGNOSTIC_RATE_LIMIT_PER_MIN: '2', ...FAST },
    });
    try {
      expect((await closed.fetch('/v1/events/stream')).status).toBe(401);
      const client = await follow('', { authorization: 'Bearer secret' }, closed);
      await client.frame('a ping', isPing);
      expect((await closed.fetch('/v1/events/stream', { 'x-api-key': 'secret' })).status).toBe(429);
      expect(client.ended).toBe('open');
      client.close();
    } finally {
      await closed.close();
    }
  });
});
