// pg-boss in process, as its documentation shows it.
import pg from 'pg';
import { PgBoss } from 'pg-boss';
import { batches, serveCalls, spread, spreadOfTimes, steadily } from './serve-calls.mjs';

const QUEUE = 'bench';
/** Notifications cost every insert something, so only the case that is about them has them. */
const NOTIFYING_QUEUE = 'bench-notifying';
const CONNECTIONS = 16;
const FILL_BATCH = 5_000;

/** @type {PgBoss} */
let boss;
let url = '';

const jobs = (count) => Array.from({ length: count }, (_, n) => ({ data: { n } }));

/** fetch(size) and complete(size) until `count` jobs have ended. */
async function work({ count, clients, size }) {
  let fetched = 0;
  let ended = 0;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (fetched < count) {
        const found = await boss.fetch(QUEUE, { batchSize: size });
        if (found.length === 0) continue;
        fetched += found.length;
        const ids = found.map(({ id }) => id);
        await boss.complete(QUEUE, size === 1 ? ids[0] : ids, { ok: true });
        ended += found.length;
      }
    }),
  );
  return { done: ended, seconds: (performance.now() - began) / 1_000 };
}

serveCalls({
  async connect(args) {
    url = args.url;
    boss = new PgBoss({
      connectionString: url,
      max: CONNECTIONS,
      supervise: false,
      schedule: false,
      useListenNotify: true,
    });
    boss.on('error', (error) => console.error(error));
    await boss.start();
    await boss.createQueue(QUEUE);
    await boss.createQueue(NOTIFYING_QUEUE, { notify: true });
  },

  /** Truncated, like everybody's tables: deleted rows would slow down the rounds that follow. */
  clear: () => boss.getDb().executeSql('truncate pgboss.job'),

  /** On a connection of its own, whose end hands the counters in. */
  async fill({ count }) {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const db = { executeSql: (text, values) => client.query(text, values) };
    for (const size of batches(count, FILL_BATCH)) await boss.insert(QUEUE, jobs(size), { db });
    await client.end();
  },

  enqueue: ({ count, clients }) => spread({ count, clients }, (n) => boss.insert(QUEUE, [{ data: { n } }])),

  async enqueueBatch({ count, clients, size }) {
    const sizes = batches(count, size);
    const { seconds } = await spread({ count: sizes.length, clients }, (index) =>
      boss.insert(QUEUE, jobs(sizes[index])),
    );
    return { done: count, seconds };
  },

  cycle: ({ count, clients }) => work({ count, clients, size: 1 }),
  drain: work,

  async cycleFor({ seconds, clients }) {
    let ended = 0;
    const end = performance.now() + seconds * 1_000;
    const began = performance.now();
    await Promise.all(
      Array.from({ length: clients }, async () => {
        while (performance.now() < end) {
          const [job] = await boss.fetch(QUEUE, { batchSize: 1 });
          if (job === undefined) throw new Error('No job left');
          await boss.complete(QUEUE, job.id, { ok: true });
          ended++;
        }
      }),
    );
    return { done: ended, seconds: (performance.now() - began) / 1_000 };
  },

  async latency({ count, rate }) {
    const sent = [];
    const times = [];
    let arrived;
    const all = new Promise((done) => (arrived = done));
    const id = await boss.work(
      NOTIFYING_QUEUE,
      { batchSize: 1, pollingIntervalSeconds: 2 },
      async ([job]) => {
        times.push(performance.now() - sent[job.data.n]);
        if (times.length === count) arrived();
      },
    );
    const began = performance.now();
    await steadily({ count, rate }, async (n) => {
      sent[n] = performance.now();
      await boss.send(NOTIFYING_QUEUE, { n });
    });
    await all;
    const seconds = (performance.now() - began) / 1_000;
    await boss.offWork(NOTIFYING_QUEUE, { id, wait: true });
    return { done: count, seconds, figures: spreadOfTimes(times) };
  },

  tick: () =>
    spread({ count: CONNECTIONS * 2, clients: CONNECTIONS }, () => boss.getDb().executeSql('select 1')),
  stop: () => boss.stop({ graceful: false }),
});
