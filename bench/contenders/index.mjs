// Who can be measured, by name.
import { BullMq } from './bullmq.mjs';
import { InProcess } from './in-process.mjs';
import { PgBench } from './pgbench.mjs';
import { Skynet } from './skynet.mjs';

/** @type {Record<string, (cluster: import('../lib/cluster.mjs').Cluster, name: string) => import('../lib/contender.mjs').Contender>} */
const makers = {
  skynet: (cluster, name) => new Skynet(name, cluster),
  // A second one of ours, for a ledger that is full beside one that is empty.
  'skynet-loaded': (cluster, name) => new Skynet(name, cluster),
  'skynet-dispatching': (cluster, name) => new Skynet(name, cluster, { dispatches: true }),
  'pg-boss': (cluster, name) => new InProcess(name, cluster, 'pg-boss.mjs'),
  'graphile-worker': (cluster, name) => new InProcess(name, cluster, 'graphile-worker.mjs'),
  'graphile-worker, local queue': (cluster, name) =>
    new InProcess(name, cluster, 'graphile-worker.mjs', { localQueue: true }),
  bullmq: (cluster, name) => new BullMq(name, cluster),
  pgbench: (cluster, name) => new PgBench(name, cluster),
};

/** @param {string} name @param {import('../lib/cluster.mjs').Cluster} cluster */
export function makeContender(name, cluster) {
  return makers[name](cluster, name);
}
