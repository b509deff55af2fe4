// What one measured operation cost, per task.
import { familyCpuMs } from './cpu.mjs';

/** @typedef {import('./contender.mjs').Contender} Contender */
/** @typedef {{ done: number, seconds: number, figures?: Record<string, number> }} Outcome */

const STATS = `select xact_commit::float8 as commits, (blks_hit + blks_read)::float8 as buffers
  from pg_stat_database where datname = $1`;
const WAL = `select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as bytes`;

export class Meter {
  /** @param {import('./cluster.mjs').Cluster} cluster */
  constructor(cluster) {
    this.cluster = cluster;
  }

  /**
   * Runs an operation of a contender and returns its figures. The caller has flushed the contender's counters before.
   * @param {Contender} contender @param {() => Promise<Outcome>} operation
   * @returns {Promise<Record<string, number>>}
   */
  async measure(contender, operation) {
    const stats = await this.#stats(contender);
    const wal = await this.#wal();
    const cpu = this.#cpu(contender);
    const { done, seconds, figures } = await operation();
    const cpuAfter = this.#cpu(contender);
    const walAfter = await this.#wal();
    await contender.flush();
    const statsAfter = await this.#stats(contender);

    const per = (before, after) => (before === null || after === null ? null : (after - before) / done);
    const costs = {
      rate: done / seconds,
      server_cpu_ms: per(cpu.server, cpuAfter.server),
      store_cpu_ms: per(cpu.store, cpuAfter.store),
      client_cpu_ms: per(cpu.client, cpuAfter.client),
      ...(contender.database === null
        ? {}
        : {
            wal_bytes: per(wal, walAfter),
            commits: per(stats.commits, statsAfter.commits),
            buffers: per(stats.buffers, statsAfter.buffers),
          }),
    };
    const known = Object.entries(costs).filter(([, value]) => value !== null);
    return { ...Object.fromEntries(known), ...figures };
  }

  #cpu(contender) {
    const { server, client, store } = contender.cpu();
    return {
      server,
      client,
      store: contender.database === null ? store : familyCpuMs(this.cluster.postmasterPid),
    };
  }

  async #wal() {
    return (await this.cluster.admin.query(WAL)).rows[0].bytes;
  }

  async #stats({ database }) {
    if (database === null) return { commits: null, buffers: null };
    return (await this.cluster.admin.query(STATS, [database])).rows[0];
  }
}
