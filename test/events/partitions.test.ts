import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { PartitionsService } from '../../src/control-plane/events/index.js';
import { UpkeepService } from '../../src/control-plane/ledger/index.js';
import { connect, migrate } from '../../src/platform/database/connect.js';
import { migrationsFolder } from '../../src/platform/database/migrations.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { createTestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { StreamClient } from '../support/event-stream.js';

/** Its own loop deletes nothing. */
const BY_HAND = { SKYNET_RETENTION_DAYS: '0' };

let api: TestControlPlane;
let partitions: PartitionsService;
beforeAll(async () => {
  api = await startTestControlPlane({ env: BY_HAND });
  partitions = api.get(PartitionsService);
});
afterAll(() => api.close());

const DAY_MS = 86_400_000;
const daysAgo = (days: number) =>
  new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS - days * DAY_MS).toISOString();
const tablesOfEvents = async (task: string) =>
  (
    await api.query<{ table: string }>(
      'select tableoid::regclass::text as table from events where task_id = $1 order by txid, id',
      [task],
    )
  ).map(({ table }) => table.replace(/^events_/, ''));
const dayName = (iso: string) => iso.slice(0, 10).replaceAll('-', '');
const addDay = (days: number) =>
  api.query('select add_events_partition($1, $2)', [daysAgo(days), daysAgo(days - 1)]);

async function addTask(id: string, { endedDaysAgo }: { endedDaysAgo: number | null }): Promise<void> {
  await api.query(
    `insert into tasks (id, action, params, gate, max_attempts, lease_seconds, created_at, status, completed_at)
     values ($1, 'a', '{}', case when $2::timestamptz is null then 0 end, 1, 1, now() - interval '60 days',
       case when $2::timestamptz is null then 'queued' else 'succeeded' end, $2)`,
    [id, endedDaysAgo === null ? null : daysAgo(endedDaysAgo)],
  );
}
const addEvent = (task: string, days: number, type = 'claimed') =>
  api.query(
    `insert into events (task_id, task_version, event_type, created_at)
     values ($1, 1, $2, $3::timestamptz + interval '6 hours')`,
    [task, type, daysAgo(days)],
  );

/** One round of retention, as its loop does it. */
async function retain(days: number): Promise<{ tasks: string[]; partitions: number; events: number }> {
  const cutoff = await partitions.beginRetention(days);
  const tasks: string[] = [];
  for (let after: number | null = 0; after !== null;) {
    const pruned = await api.get(UpkeepService).prune(after, cutoff.daysAgo());
    tasks.push(...pruned.taskIds);
    after = pruned.lastSeq;
  }
  return { tasks: tasks.sort(), ...(await partitions.endRetention(cutoff, new AbortController().signal)) };
}

describe('partitions', () => {
  it('are there for today and two days to come, and more are made once, however many replicas do it', async () => {
    const names = async () =>
      (
        await api.query<{ name: string }>(
          `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'events'::regclass order by 1`,
        )
      ).map(({ name }) => name);
    expect(await names()).toEqual([
      ...[0, -1, -2].map((days) => `events_${dayName(daysAgo(days))}`),
      'events_default',
    ]);
    expect(await partitions.makeAhead()).toBe(0);
    await api.query(`drop table events_${dayName(daysAgo(-2))}`);
    const made = await Promise.all(Array.from({ length: 4 }, () => partitions.makeAhead()));
    // The program's own loop may be faster, or in the middle of it.
    expect(made.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(1);
    await eventually('the partition is there', async () => ((await names()).length === 4 ? true : undefined));
  });

  it('take over what the net has caught of their day, while others write', async () => {
    await addEvent('caught', 20);
    await addEvent('other', 21);
    expect(await tablesOfEvents('caught')).toEqual(['default']);
    await Promise.all([addDay(20), addEvent('today', 0), addEvent('caught', 19)]);
    expect(await tablesOfEvents('caught')).toEqual([dayName(daysAgo(20)), 'default']);
    expect(await tablesOfEvents('other')).toEqual(['default']);
    expect(await tablesOfEvents('today')).toEqual([dayName(daysAgo(0))]);
  });

  it('let an insert never wait for one that is made, and give up soon when a reader does not let go', async () => {
    const client = new pg.Client({ connectionString: api.databaseUrl });
    await client.connect();
    await client.query('begin');
    await client.query('select count(*) from events');
    // Making one needs the net for a moment, which the open transaction has read.
    await expect(addDay(50)).rejects.toMatchObject({ code: '55P03' });
    await addEvent('free', 0);
    await client.query('rollback');
    await client.end();
    await addDay(50);
  });
});

describe('retention', () => {
  it('drops whole days with their tasks, keeps what unfinished or younger tasks need, and says where the log is whole', async () => {
    for (const days of [41, 40, 39, 31, 30, 29]) await addDay(days);
    await addTask('ended', { endedDaysAgo: 39 });
    await addTask('waiting', { endedDaysAgo: null });
    await addTask('ended-late', { endedDaysAgo: 5 });
    await addTask('young', { endedDaysAgo: 29 });
    for (const task of ['ended', 'waiting', 'ended-late', 'young']) await addEvent(task, 40, 'enqueued');
    await addEvent('ended', 39, 'succeeded');
    await addEvent('ended-late', 5, 'succeeded');
    await addEvent('young', 29, 'succeeded');
    const before = await StreamClient.connect(api.url, '?after=&task_id=ended');
    const [first] = await before.told(2);
    before.close();
    const fromFirst = before.frames.find(({ data }) => data?.includes(`"id":${first?.id},`))?.id;

    // A task that ended on the day of the cut stays with that day.
    const round = await retain(30);
    expect(round).toMatchObject({ tasks: ['ended'], partitions: 5 });
    expect(await tablesOfEvents('ended')).toEqual([]);
    expect(await tablesOfEvents('waiting')).toEqual(['default']);
    expect(await tablesOfEvents('ended-late')).toEqual(['default', 'default']);
    const { body } = await api.fetch('/v1/events?task_id=waiting');
    expect(body.events).toMatchObject([{ task_id: 'waiting', event_type: 'enqueued' }]);
    expect(await retain(30)).toEqual({ tasks: [], partitions: 0, events: 0 });

    // Whoever stands before what was dropped hears of it, goes on from where the log is whole, and does not hear it twice.
    const behind = await StreamClient.connect(api.url, '', { 'last-event-id': fromFirst ?? '' });
    const { data = '', id = '' } = await behind.frame('a reset', ({ event }) => event === 'reset');
    expect(JSON.parse(data)).toEqual({ reason: 'pruned', position: id });
    await addEvent('afterwards', 0);
    await eventually('the rest has come', () =>
      Promise.resolve(behind.events.at(-1)?.task_id === 'afterwards' ? true : undefined),
    );
    expect(behind.events.map(({ task_id: task }) => task)).not.toContain('ended');
    behind.close();
    const after = await StreamClient.connect(api.url, '?task_id=afterwards', { 'last-event-id': id });
    await after.told(1);
    expect(after.frames.map(({ event }) => event)).not.toContain('reset');
    after.close();
    // From the beginning there is no promise to break: all that is kept, with what outlived its day.
    const all = await StreamClient.connect(api.url, '?after=&task_id=waiting');
    await all.told(1);
    expect(all.frames.map(({ event }) => event)).not.toContain('reset');
    all.close();

    // When such a task is gone at last, so are its events.
    await api.query(
      `update tasks set status = 'succeeded', gate = null, completed_at = $1 where id = 'waiting'`,
      [daysAgo(35)],
    );
    expect(await retain(30)).toEqual({ tasks: ['waiting'], partitions: 0, events: 1 });
    expect(await tablesOfEvents('waiting')).toEqual([]);
  });

  it('deletes row by row what lies in the net, where no partition is old enough', async () => {
    const fresh = await startTestControlPlane({ env: BY_HAND });
    try {
      await fresh.query(
        `insert into tasks (id, action, params, max_attempts, lease_seconds, created_at, status, completed_at)
         values ('old', 'a', '{}', 1, 1, now() - interval '40 days', 'succeeded', now() - interval '40 days')`,
      );
      await fresh.query(
        `insert into events (task_id, task_version, event_type, created_at)
         values ('old', 1, 'succeeded', now() - interval '40 days'), ('young', 1, 'claimed', now())`,
      );
      const cutoff = await fresh.get(PartitionsService).beginRetention(30);
      expect((await fresh.get(UpkeepService).prune(0, cutoff.daysAgo())).taskIds).toEqual(['old']);
      const { signal } = new AbortController();
      expect(await fresh.get(PartitionsService).endRetention(cutoff, signal)).toEqual({
        partitions: 0,
        events: 1,
      });
      expect((await fresh.fetch('/v1/events')).body.events).toMatchObject([{ task_id: 'young' }]);
    } finally {
      await fresh.close();
    }
  });

  it('does not make writers wait for a reader that holds on to the log', async () => {
    await addDay(60);
    const client = new pg.Client({ connectionString: api.databaseUrl });
    await client.connect();
    await client.query('begin');
    await client.query('select count(*) from events');
    const dropping = retain(30);
    await addEvent('meanwhile', 0);
    expect(await dropping).toMatchObject({ partitions: 0 });
    await client.query('rollback');
    await client.end();
    expect(await retain(30)).toMatchObject({ partitions: 1 });
  });
});

describe('a database from before', () => {
  it('keeps its events, ids and positions, as one partition that was not copied', async () => {
    const database = await createTestDatabase('empty');
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const folder = migrationsFolder('control-plane');
    const files = readdirSync(folder).sort();
    const before = files.filter((file) => file < '1763710000000');
    for (const file of before) await client.query(readFileSync(`${folder}/${file}`, 'utf8'));
    await client.query(
      `insert into events (task_id, task_version, event_type, created_at)
       select 't' || n % 10, n, 'claimed', now() - n * interval '1 hour' from generate_series(1, 1000) n`,
    );
    const { rows: old } = await client.query(
      `select id, txid::text, task_id, created_at, ctid::text from events order by id`,
    );
    await client.query(
      `create table migrations (id serial primary key, "timestamp" bigint not null, name varchar not null)`,
    );
    for (const file of before) {
      const [, time = '', what = ''] = /^(\d+)_(.*)\.sql$/.exec(file) ?? [];
      await client.query('insert into migrations ("timestamp", name) values ($1, $2)', [time, what + time]);
    }
    const source = await connect({
      url: database.url,
      applicationName: 'skynet-test',
      poolSize: 2,
      program: 'control-plane',
    });
    expect((await migrate(source)).applied).toContain('events__partitions1763710000000');
    await source.destroy();
    const { rows: now } = await client.query(
      `select id, txid::text, task_id, created_at, ctid::text from events order by id`,
    );
    expect(now).toEqual(old);
    await client.query(`insert into events (task_id, task_version, event_type) values ('new', 1, 'claimed')`);
    const { rows } = await client.query(
      `select id, tableoid::regclass::text as table from events where task_id = 'new'`,
    );
    expect(rows).toEqual([{ id: '1001', table: 'events_history' }]);
    await client.end();

    const moved = await startTestControlPlane({ databaseUrl: database.url, env: BY_HAND });
    const stream = await StreamClient.connect(moved.url, '?after=');
    expect(stream.status).toBe(200);
    const events = await stream.told(1_001);
    expect(events.map(({ id }) => id)).toEqual(Array.from({ length: 1_001 }, (_, index) => index + 1));
    stream.close();
    await moved.close();
    await database.drop();
  });
});
