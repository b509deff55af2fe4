// What one measured operation cost, per task.
import { familyCpuMs } from './cpu.mjs';

/** @typedef {import('./contender.mjs').Contender} Contender */
/** @typedef {{ done: number, seconds: number, figures?: Record<string, number> }} Outcome */

const STATS = `select xact_commit::float8 as commits, (blks_hit + blks_read)::float8 as buffers
  from pg_stat_database where datname = $1`;
/** Updates of all tables, and those of them that touched no index. */
const UPDATES = `select coalesce(sum(n_tup_upd), 0)::float8 as updates, coalesce(sum(n_tup_hot_upd), 0)::float8 as hot
  from pg_stat_user_tables`;
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
    // Outermost, because it is a session in the contender's own database, which counts.
    const updates = await this.#updates(contender);
    const stats = await this.#stats(contender);
    const wal = await this.#wal();
    const cpu = this.#cpu(contender);
    const { done, seconds, figures } = await operation();
    const cpuAfter = this.#cpu(contender);
    const walAfter = await this.#wal();
    await contender.flush();
    const statsAfter = await this.#stats(contender);
    const updatesAfter = await this.#updates(contender);

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
            hot_share: shareOfHot(updates, updatesAfter),
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

  async #updates(contender) {
    if (contender.database === null) return { updates: 0, hot: 0 };
    return contender.session(async (client) => (await client.query(UPDATES)).rows[0]);
  }

  async #stats({ database }) {
    if (database === null) return { commits: null, buffers: null };
    return (await this.cluster.admin.query(STATS, [database])).rows[0];
  }
}

/** Null when nothing was updated, or the counters began anew meanwhile. */
function shareOfHot(before, after) {
  const updates = after.updates - before.updates;
  return updates > 0 ? (after.hot - before.hot) / updates : null;
}
