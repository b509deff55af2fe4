// graphile-worker in process, with and without its local queue.
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';
import { batches, serveCalls, spread, spreadOfTimes, steadily } from './serve-calls.mjs';

const TASK = 'bench';
const CONNECTIONS = 20;
const FILL_BATCH = 5_000;
const LOCAL_QUEUE = 500;
const logger = new Logger(() => () => undefined);

/** @type {pg.Pool} */
let pgPool;
/** @type {import('graphile-worker').WorkerUtils} */
let utils;
let url = '';
let localQueue = false;

const specs = (count) => Array.from({ length: count }, (_, n) => ({ identifier: TASK, payload: { n } }));

/** With the handlers for errors that graphile-worker asks for. @param {number} max */
function openPool(max) {
  const tell = (error) => console.error(error);
  const pool = new pg.Pool({ connectionString: url, max, idleTimeoutMillis: 0 });
  return pool.on('error', tell).on('connect', (client) => client.on('error', tell));
}

/** What its documentation recommends for throughput, or its defaults. */
function preset() {
  return localQueue
    ? { worker: { localQueue: { size: LOCAL_QUEUE }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } }
    : {};
}

/** Runs jobs until `count` have ended. */
async function work({ count, clients }) {
  const runner = await run({
    pgPool,
    logger,
    concurrency: clients,
    noHandleSignals: true,
    preset: preset(),
    taskList: { [TASK]: async () => undefined },
  });
  const began = performance.now();
  let ended = 0;
  await new Promise((done) => {
    runner.events.on('job:complete', () => {
      if (++ended === count) done();
    });
  });
  const seconds = (performance.now() - began) / 1_000;
  await runner.stop();
  return { done: count, seconds };
}

serveCalls({
  async connect(args) {
    url = args.url;
    localQueue = args.localQueue === true;
    pgPool = openPool(CONNECTIONS);
    utils = await makeWorkerUtils({ pgPool, logger });
    await utils.migrate();
  },

  clear: () => pgPool.query('truncate graphile_worker._private_jobs'),

  /** On connections of their own, whose end hands the counters in. */
  async fill({ count }) {
    const own = openPool(1);
    const filler = await makeWorkerUtils({ pgPool: own, logger });
    for (const size of batches(count, FILL_BATCH)) await filler.addJobs(specs(size));
    await filler.release();
    await own.end();
  },

  enqueue: ({ count, clients }) => spread({ count, clients }, (n) => utils.addJob(TASK, { n })),

  async enqueueBatch({ count, clients, size }) {
    const sizes = batches(count, size);
    const { seconds } = await spread({ count: sizes.length, clients }, (index) =>
      utils.addJobs(specs(sizes[index])),
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
    const runner = await run({
      pgPool,
      logger,
      concurrency: 8,
      noHandleSignals: true,
      preset: preset(),
      taskList: {
        [TASK]: async ({ n }) => {
          times.push(performance.now() - sent[n]);
          if (times.length === count) arrived();
        },
      },
    });
    const began = performance.now();
    await steadily({ count, rate }, async (n) => {
      sent[n] = performance.now();
      await utils.addJob(TASK, { n });
    });
    await all;
    const seconds = (performance.now() - began) / 1_000;
    await runner.stop();
    return { done: count, seconds, figures: spreadOfTimes(times) };
  },

  tick: () => spread({ count: CONNECTIONS * 2, clients: CONNECTIONS }, () => pgPool.query('select 1')),

  async stop() {
    await utils.release();
    await pgPool.end();
  },
});
