// BullMQ in process on a Redis with an append-only file: a look outside, its commits are not durable like PostgreSQL's.
import { Queue, Worker } from 'bullmq';
import { batches, serveCalls, spread, spreadOfTimes, steadily } from './serve-calls.mjs';

const QUEUE = 'bench';
const FILL_BATCH = 1_000;

/** @type {Queue} */
let queue;
let connection;

const jobs = (count) => Array.from({ length: count }, (_, n) => ({ name: 'bench', data: { n } }));

/** Runs jobs until `count` have ended. */
async function work({ count, clients }) {
  const worker = new Worker(QUEUE, async () => ({ ok: true }), {
    connection,
    concurrency: clients,
    autorun: false,
  });
  await worker.waitUntilReady();
  let ended = 0;
  const began = performance.now();
  const all = new Promise((done) => worker.on('completed', () => ++ended === count && done()));
  const running = worker.run();
  await all;
  const seconds = (performance.now() - began) / 1_000;
  await worker.close();
  await running;
  return { done: count, seconds };
}

serveCalls({
  async connect(args) {
    connection = { host: '127.0.0.1', port: args.port, maxRetriesPerRequest: null };
    queue = new Queue(QUEUE, { connection });
    await queue.waitUntilReady();
  },

  clear: () => queue.obliterate({ force: true }),

  async fill({ count }) {
    for (const size of batches(count, FILL_BATCH)) await queue.addBulk(jobs(size));
  },

  enqueue: ({ count, clients }) => spread({ count, clients }, (n) => queue.add('bench', { n })),

  async enqueueBatch({ count, clients, size }) {
    const sizes = batches(count, size);
    const { seconds } = await spread({ count: sizes.length, clients }, (index) =>
      queue.addBulk(jobs(sizes[index])),
    );
    return { done: count, seconds };
  },

  cycle: work,
  drain: work,

  async latency({ count, rate }) {
    const sent = [];
    const times = [];
    let arrived;
    const all = new Promise((done) => (arrived = done));
    const worker = new Worker(
      QUEUE,
      async ({ data }) => {
        times.push(performance.now() - sent[data.n]);
        if (times.length === count) arrived();
      },
      { connection, concurrency: 8 },
    );
    await worker.waitUntilReady();
    const began = performance.now();
    await steadily({ count, rate }, async (n) => {
      sent[n] = performance.now();
      await queue.add('bench', { n });
    });
    await all;
    const seconds = (performance.now() - began) / 1_000;
    await worker.close();
    return { done: count, seconds, figures: spreadOfTimes(times) };
  },

  tick: () => undefined,
  stop: () => queue.close(),
});
