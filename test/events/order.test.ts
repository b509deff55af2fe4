import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Tx } from '../../src/platform/database/database.js';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { StreamClient } from '../support/event-stream.js';
import { eventually } from '../support/eventually.js';

let api: TestControlPlane;
beforeAll(async () => (api = await startTestControlPlane({ env: { SKYNET_DB_POOL_SIZE: '20' } })));
afterAll(() => api.close());

interface Seen {
  readonly task: string;
  readonly version: number;
}

/** What was read, told by the version that each event carries in its message. */
const seen = (event: { task_id: string; message: string }): Seen => ({
  task: event.task_id,
  version: Number(event.message),
});

/** One step in the life of a task, as the ledger takes it: the row is locked and counted up, and an event is written. */
async function step(tx: Tx, task: string): Promise<void> {
  await tx.query(
    {
      name: 'test.step',
      text: `with changed as (update tasks set version = version + 1 where id = $1 returning id, version)
      insert into events (task_id, task_version, event_type, message)
      select id, version, 'claimed', version::text from changed`,
    },
    [task],
  );
}

async function addTasks(ids: readonly string[]): Promise<void> {
  await api.query(
    `insert into tasks (id, action, params, gate, max_attempts, lease_seconds)
     select id, 'a', '{}', 0, 1, 1 from unnest($1::text[]) as id`,
    [ids],
  );
}

/** Reads by pages until `count` events of the tasks have been seen; small pages, so that there are many ends. */
async function readByPages(from: string, count: number): Promise<Seen[]> {
  const all: Seen[] = [];
  let after = from;
  return eventually(`${count} events have been read by pages`, async () => {
    const { body } = await api.fetch(`/v1/events?limit=7&after=${after}`);
    after = body.position;
    all.push(...body.events.map(seen));
    return all.length >= count ? all : undefined;
  });
}

const positionNow = async (): Promise<string> => {
  let position = '';
  for (let more = true; more;) {
    const { body } = await api.fetch(`/v1/events?limit=1000&after=${position}`);
    [position, more] = [body.position, body.next_cursor !== undefined];
  }
  return position;
};

function expectWhole(read: readonly Seen[], steps: ReadonlyMap<string, number>): void {
  const versions = new Map([...steps.keys()].map((task) => [task, [] as number[]]));
  for (const { task, version } of read) versions.get(task)?.push(version);
  // Each once, and each task's in order.
  expect(Object.fromEntries(versions)).toEqual(
    Object.fromEntries(
      [...steps].map(([task, count]) => [task, Array.from({ length: count }, (_, index) => index + 2)]),
    ),
  );
}

describe('a follower, by pages and by stream', () => {
  it.each([1, 2, 3])(
    'misses nothing, sees nothing twice and each task in order, while writers race and one is slow (%d)',
    async (seed) => {
      const tasks = Array.from({ length: 12 }, (_, index) => `race-${seed}-${index}`);
      await addTasks([...tasks, `slow-${seed}`]);
      const from = await positionNow();
      const live = await StreamClient.connect(api.url);
      await live.frame('the beginning', ({ retry }) => retry !== undefined);
      const late = await StreamClient.connect(api.url, `?after=${from}`);
      const random = mulberry(seed);
      const steps = new Map([...tasks, `slow-${seed}`].map((task) => [task, 0]));
      const count = (task: string) => steps.set(task, (steps.get(task) ?? 0) + 1);

      let letGo!: () => void;
      const held = new Promise<void>((done) => (letGo = done));
      // It has the lowest number of all, and writes at the end into a task that others have gone on with.
      const slow = api.database.transaction(async (tx) => {
        await step(tx, `slow-${seed}`);
        await held;
        await step(tx, tasks[0] ?? '');
      });
      const writer = async () => {
        for (let turn = 0; turn < 15; turn++) {
          // Several tasks in one transaction, locked in one order, with pauses that let others commit in between.
          const chosen = tasks.filter(() => random() < 0.2);
          const pauses = chosen.map(() => Math.floor(random() * 3));
          await api.database.transaction(async (tx) => {
            for (const [index, task] of chosen.entries()) {
              await step(tx, task);
              for (let pause = pauses[index] ?? 0; pause > 0; pause--)
                await tx.query({ name: 'test.pause', text: 'select pg_sleep(0.001)' });
            }
          });
          chosen.forEach(count);
        }
      };
      const reading = readByPages(from, 1);
      await Promise.all(Array.from({ length: 8 }, writer));
      letGo();
      await slow;
      count(`slow-${seed}`);
      count(tasks[0] ?? '');
      await reading;

      const total = [...steps.values()].reduce((sum, each) => sum + each, 0);
      expectWhole(await readByPages(from, total), steps);
      const ours = (events: readonly { task_id: string; message: string }[]) =>
        events.map(seen).filter(({ task }) => steps.has(task));
      expectWhole(ours(await live.told(total)), steps);
      expectWhole(ours(await late.told(total)), steps);
      live.close();
      late.close();
    },
  );

  it('sees the events of a task in order although the later one was written by the older transaction', async () => {
    await addTasks(['first', 'shared']);
    const from = await positionNow();
    let letGo!: () => void;
    let hasNumber!: () => void;
    const held = new Promise<void>((done) => (letGo = done));
    const begun = new Promise<void>((done) => (hasNumber = done));
    const older = api.database.transaction(async (tx) => {
      await step(tx, 'first');
      hasNumber();
      await held;
      await step(tx, 'shared');
    });
    await begun;
    await api.database.transaction((tx) => step(tx, 'shared'));
    letGo();
    await older;
    const read = await readByPages(from, 3);
    expect(read.filter(({ task }) => task === 'shared')).toEqual([
      { task: 'shared', version: 2 },
      { task: 'shared', version: 3 },
    ]);
  });

  it('sees a child enqueued before it fails with its parent, when both happen at once', async () => {
    const client = await StreamClient.connect(api.url, '?type=enqueued,dependency_failed');
    for (let round = 0; round < 10; round++) {
      await api.post('/v1/tasks/enqueue', { task_id: `parent-${round}`, action: 'a' });
      await Promise.all([
        api.post(`/v1/tasks/parent-${round}/cancel`),
        ...['a', 'b', 'c'].map((child) =>
          api.post('/v1/tasks/enqueue', {
            task_id: `child-${round}-${child}`,
            action: 'a',
            dependencies: [`parent-${round}`],
          }),
        ),
      ]);
    }
    const events = await client.told(70);
    client.close();
    const ofChildren = new Map<string, { type: string; at: string }[]>();
    for (const { task_id: task, event_type: type, created_at: at } of events)
      if (task.startsWith('child-')) ofChildren.set(task, [...(ofChildren.get(task) ?? []), { type, at }]);
    expect(ofChildren.size).toBe(30);
    for (const [first, second] of ofChildren.values()) {
      expect([first?.type, second?.type]).toEqual(['enqueued', 'dependency_failed']);
    }
  });
});

/** A small random number generator, so that a failure can be had again. */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
