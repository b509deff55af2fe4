import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { CuttableProxy } from '../support/cuttable-proxy.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { StreamClient } from '../support/event-stream.js';

const FAST = { SKYNET_EVENT_STREAM_PING_SECS: '0.2' };

async function follow(server: TestControlPlane, query = ''): Promise<StreamClient> {
  const client = await StreamClient.connect(server.url, query);
  await client.frame('the beginning', ({ retry }) => retry !== undefined);
  return client;
}

const enqueue = (server: TestControlPlane, id: string) =>
  server.post('/v1/tasks/enqueue', { task_id: id, action: 'act' });

describe('two replicas', () => {
  let database: TestDatabase;
  let one: TestControlPlane;
  let other: TestControlPlane;
  beforeAll(async () => {
    database = await createTestDatabase();
    one = await startTestControlPlane({ databaseUrl: database.url, env: FAST });
    other = await startTestControlPlane({ databaseUrl: database.url, env: FAST });
  });
  afterAll(async () => {
    await one.close();
    await other.close();
    await database.drop();
  });

  it('hear of what the other wrote, by a hint or by looking, and the same in the same order', async () => {
    const [here, there] = [await follow(one), await follow(other)];
    await enqueue(one, 'a');
    // A claim sends no hint to other replicas: it is found by looking once a second.
    await one.post('/v1/tasks/claim', { worker_id: 'w' });
    await enqueue(other, 'b');
    const events = await here.told(3, 5_000);
    expect(await there.told(3, 5_000)).toEqual(events);
    expect(events.map((event) => `${event.task_id} ${event.event_type}`)).toEqual([
      'a enqueued',
      'a claimed',
      'b enqueued',
    ]);
    // A stream that one replica began goes on at the other.
    const moved = await follow(
      other,
      `?after=${here.frames.find(({ data }) => data?.includes('"claimed"'))?.id}`,
    );
    expect((await moved.told(1)).map((event) => event.task_id)).toEqual(['b']);
    for (const client of [here, there, moved]) client.close();
  });

  it('ask the database for streams once for all of them, and not at all when there are none', async () => {
    const looks = async () => {
      const [row] = await one.query<{ n: number }>(
        `select coalesce(sum(idx_scan), 0)::int as n from pg_stat_user_indexes where indexrelname like 'events%txid_id_idx'`,
      );
      return row?.n ?? 0;
    };
    const pings = (client: StreamClient) => client.frames.filter(({ comment }) => comment === 'ping').length;
    const clients = await Promise.all(Array.from({ length: 20 }, () => follow(one)));
    const [first] = clients;
    // The readings of the beginnings have been counted by then.
    await eventually('the streams have been silent for a while', () =>
      Promise.resolve(first !== undefined && pings(first) >= 5 ? true : undefined),
    );
    const before = await looks();
    await eventually('the streams have been silent for longer', () =>
      Promise.resolve(first !== undefined && pings(first) >= 14 ? true : undefined),
    );
    const after = await looks();
    // Four partitions each time, and the planner's own; a look for each stream would be 80 a second, for nine seconds.
    expect(after - before).toBeGreaterThan(0);
    expect(after - before).toBeLessThan(200);
    for (const client of clients) client.close();
    let [last, calm] = [-1, 0];
    await eventually('nobody looks any more', async () => {
      const now = await looks();
      calm = now === last ? calm + 1 : 0;
      last = now;
      return calm > 200 ? true : undefined;
    });
  });
});

describe('a shutdown', () => {
  it('tells streams when to come again and where to go on, and is not held up by one that takes nothing', async () => {
    const database = await createTestDatabase();
    const server = await startTestControlPlane({ databaseUrl: database.url });
    await server.query(
      `insert into events (task_id, task_version, event_type, message)
       select 'flood', n, 'claimed', repeat('x', 1900) from generate_series(1, 10000) n`,
    );
    const stuck = await StreamClient.connect(server.url, '?after=');
    stuck.response.pause();
    const client = await follow(server, '?task_id=last');
    await enqueue(server, 'last');
    await client.told(1);
    const begun = performance.now();
    const closed = server.close();
    const end = await client.frame('the end', ({ event }) => event === 'end');
    expect(performance.now() - begun).toBeLessThan(3_000);
    expect(await client.over()).toBe('done');
    expect(Number(end.retry)).toBeGreaterThanOrEqual(1_000);
    expect(JSON.parse(end.data ?? '')).toEqual({ reason: 'shutting-down', position: end.id });
    await closed;
    expect(performance.now() - begun).toBeLessThan(10_000);

    const next = await startTestControlPlane({ databaseUrl: database.url });
    const again = await follow(next, `?after=${end.id}`);
    await enqueue(next, 'later');
    expect((await again.told(1)).map((event) => event.task_id)).toEqual(['later']);
    again.close();
    stuck.close();
    await next.close();
    await database.drop();
  });
});

describe('an outage of the database', () => {
  it('leaves streams open, which tell afterwards what happened meanwhile; new ones hear 503', async () => {
    const database = await createTestDatabase();
    const way = await CuttableProxy.to(database.url);
    const [cut, whole] = [
      await startTestControlPlane({ databaseUrl: way.url, env: FAST }),
      await startTestControlPlane({ databaseUrl: database.url }),
    ];
    try {
      const client = await follow(cut);
      await enqueue(whole, 'before');
      await client.told(1);
      way.cut();
      const refused = await cut.fetch('/v1/events/stream');
      expect([refused.status, refused.body.type]).toEqual([503, 'urn:skynet:problem:database-unavailable']);
      await enqueue(whole, 'meanwhile');
      way.mend();
      expect((await client.told(2)).map((event) => event.task_id)).toEqual(['before', 'meanwhile']);
      client.close();
    } finally {
      await cut.close();
      await whole.close();
      await way.close();
      await database.drop();
    }
  });
});
