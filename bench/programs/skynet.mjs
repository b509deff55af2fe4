// The load on ours: workers and submitters over HTTP with keep-alive.
import { clearTimeout } from 'node:timers';
import { Connection } from './http-client.mjs';
import { dispatchAll, dispatchLatency, openGateway } from './skynet-dispatch.mjs';
import { fanIn, fanOut, prepareFanIn, prepareFanOut } from './skynet-graph.mjs';
import { startReaders, stopReaders } from './skynet-readers.mjs';
import { batches, NotThere, serveCalls, spread, spreadOfTimes } from './serve-calls.mjs';
import { Host, Worker } from './skynet-worker.mjs';

/** Connections of the server's pool and some: enough to pass through each of them. */
const TICK = 24;

let url = '';
/** @type {Connection[]} */
const connections = [];

/** @param {number} count */
function connect(count) {
  while (connections.length < count) connections.push(new Connection(url));
  return connections.slice(0, count);
}

/** @param {number} count @returns {Worker[]} */
function workers(count) {
  return connect(count).map((connection, index) => new Worker(connection, `bench-worker-${index}`));
}

const body = (index, extra) => ({ action: 'bench', params: { n: index }, delivery: 'pull', ...extra });

async function ifThere(what, call) {
  try {
    return await call();
  } catch (error) {
    if (error.status === 404 || error.status === 405) throw new NotThere(`not there: ${what}`);
    throw error;
  }
}

function enqueueBatch(connection, tasks) {
  return ifThere('POST /v1/tasks/batch', () => connection.post('/v1/tasks/batch', { tasks }));
}

/** Which paths task `index` needs: `share` percent of all tasks one of `hot` paths, the others one of their own. */
function filesOf(index, { share, hot }) {
  const contended = (index * 37) % 100 < share;
  return [contended ? `hot/${index % hot}.ts` : `own/${index}.ts`];
}

/** Single calls until `count` tasks have ended. @param {{ count: number, clients: number, way: 'three calls' | 'next' }} load */
async function cycle({ count, clients, way = 'three calls' }) {
  const progress = { claimed: 0, ended: 0, count, empty: 0 };
  const began = performance.now();
  await Promise.all(
    workers(clients).map((worker) => (way === 'next' ? worker.chain(progress) : worker.cycles(progress))),
  );
  return {
    done: count,
    seconds: (performance.now() - began) / 1_000,
    figures: progress.empty === 0 ? {} : { empty_claims_per_task: progress.empty / count },
  };
}

/** Hosts as tasks' workers are: one connection each. @param {number} count */
async function hosts(count) {
  const all = connect(count).map((connection, index) => new Host(connection, `bench-host-${index}`));
  await Promise.all(all.map((host) => host.register()));
  return all;
}

/** Two calls each until `count` are done. @param {{ count: number }} load @param {(Worker | Host)[]} takers */
async function twoCalls({ count }, takers) {
  const progress = { claimed: 0, ended: 0, count, empty: 0 };
  const began = performance.now();
  await Promise.all(takers.map((taker) => taker.twoCalls(progress)));
  return { done: count, seconds: (performance.now() - began) / 1_000 };
}

const job = () => ({ payload: { kind: 'shell', command: 'true' } });

serveCalls({
  connect: (args) => {
    url = args.url;
  },

  enqueue({ count, clients }) {
    const all = connect(clients);
    return spread({ count, clients }, (index, client) => all[client].post('/v1/tasks/enqueue', body(index)));
  },

  submitJobs({ count, clients }) {
    const all = connect(clients);
    return spread({ count, clients }, (_, client) => all[client].post('/v1/jobs', job()));
  },

  twoCallTasks: (load) => twoCalls(load, workers(load.clients)),
  twoCallJobs: async (load) => twoCalls(load, await hosts(load.clients)),

  async enqueueBatch({ count, clients, size }) {
    const all = connect(clients);
    const sizes = batches(count, size);
    const { seconds } = await spread({ count: sizes.length, clients }, (index, client) =>
      enqueueBatch(
        all[client],
        Array.from({ length: sizes[index] }, (_, at) => body(at)),
      ),
    );
    return { done: count, seconds };
  },

  /** Ready tasks that need files, handed in one by one so that it works without the batch route as well. */
  async fillWithFiles({ count, share, hot }) {
    const all = connect(16);
    await spread({ count, clients: 16 }, (index, client) =>
      all[client].post('/v1/tasks/enqueue', body(index, { required_files: filesOf(index, { share, hot }) })),
    );
  },

  cycle,

  /** Batches until nothing is left: claim and start in one call, complete and claim the next in another. */
  async drain({ count, clients, size }) {
    const progress = { ended: 0 };
    const began = performance.now();
    await Promise.all(workers(clients).map((worker) => worker.drain(progress, size)));
    const seconds = (performance.now() - began) / 1_000;
    if (progress.ended !== count) throw new Error(`${progress.ended} of ${count} tasks were drained`);
    return { done: count, seconds };
  },

  /** Claims only; the tasks stay held. */
  async claims({ count, clients }) {
    const all = workers(clients);
    const times = [];
    const { seconds } = await spread({ count, clients }, async (_, client) => {
      const began = performance.now();
      if ((await all[client].claim()) === null) throw new Error('Nothing to claim');
      times.push(performance.now() - began);
    });
    return { done: count, seconds, figures: spreadOfTimes(times) };
  },

  /** Single calls for so many seconds: how many tasks ended. */
  async cycleFor({ seconds, clients }) {
    const progress = { claimed: 0, ended: 0, count: Infinity, empty: 0 };
    const began = performance.now();
    const end = setTimeout(() => (progress.count = 0), seconds * 1_000);
    await Promise.all(workers(clients).map((worker) => worker.cycles(progress)));
    clearTimeout(end);
    return { done: progress.ended, seconds: (performance.now() - began) / 1_000 };
  },

  prepareFanOut: (load) => prepareFanOut(load, { workers, body, enqueueBatch }),
  fanOut: (load) => fanOut(load, { workers }),
  prepareFanIn: (load) => prepareFanIn(load, { workers, body }),
  fanIn: (load) => fanIn(load, { workers }),
  openGateway,
  dispatch: (load) => dispatchAll(load, connect(load.clients)),
  latency: (load) => dispatchLatency(load, connect(1)[0]),
  startReaders: (load) => startReaders(load, () => new Connection(url)),
  stopReaders,

  tick: () =>
    spread({ count: TICK * 2, clients: TICK }, (_, client) =>
      connect(TICK)[client].send('GET', '/v1/tasks/none', null),
    ),

  async stop() {
    await Promise.all(connections.map((connection) => connection.close()));
  },
});
