// The cases in the order in which they are run and shown.
import claimCost from './claim-cost.mjs';
import cycle from './cycle.mjs';
import dispatchLatency from './dispatch-latency.mjs';
import drain from './drain.mjs';
import drainBatch from './drain-batch.mjs';
import enqueue from './enqueue.mjs';
import enqueueBatch from './enqueue-batch.mjs';
import eventReaders from './event-readers.mjs';
import fan from './fan.mjs';
import files from './files.mjs';
import history from './history.mjs';
import jobs from './jobs.mjs';
import snapshot from './snapshot.mjs';

export const cases = [
  enqueue,
  cycle,
  jobs,
  enqueueBatch,
  drainBatch,
  drain,
  dispatchLatency,
  claimCost,
  history,
  files,
  fan,
  snapshot,
  eventReaders,
];
