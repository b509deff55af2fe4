// The physical limit: the bare statements of a small ledger, driven by PostgreSQL's own load generator.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { databaseOf } from '../lib/cluster.mjs';
import { Contender, NotThere } from '../lib/contender.mjs';
import { endedChildrenCpuMs } from '../lib/cpu.mjs';
import { findProgram } from '../lib/runtime.mjs';

const SCRIPTS = join(import.meta.dirname, '..', 'pgbench');
const THREADS = 2;

export class PgBench extends Contender {
  #program;

  /** @param {string} name @param {import('../lib/cluster.mjs').Cluster} cluster */
  constructor(name, cluster) {
    super(name, cluster, databaseOf(name));
  }

  async start() {
    this.#program = findProgram('pgbench');
    if (this.#program === null) throw new NotThere('skipped: no pgbench');
    await this.cluster.freshDatabase(this.database);
    await this.#sql(readFileSync(join(SCRIPTS, 'schema.sql'), 'utf8'));
  }

  /** It compiles nothing. */
  async warmUp() {}

  async clear() {
    await this.#sql('truncate limit_tasks, limit_events');
  }

  async fill(count) {
    await this.#sql(`insert into limit_tasks (id, action, params, gate)
      select 'task-' || nextval('limit_ids'), 'bench', '{"n": 1}', 0 from generate_series(1, ${count})`);
  }

  /** @param {string} operation @param {{ count: number, clients: number, size?: number }} load */
  call(operation, { count, clients, size = 1 }) {
    const scripts = {
      enqueue: 'insert.sql',
      enqueueBatch: 'insert-batch.sql',
      cycle: 'cycle.sql',
      drain: 'cycle-batch.sql',
    };
    return this.#run(scripts[operation], { count, clients, size });
  }

  /** Every client runs the same number of transactions, so `count` is rounded down to what they can share. */
  async #run(script, { count, clients, size }) {
    const each = Math.max(1, Math.floor(count / clients / size));
    const { username, password, hostname, port } = new URL(this.cluster.url(this.database));
    const { stdout } = await promisify(execFile)(
      this.#program,
      [
        ...['-n', '-M', 'prepared', '-f', join(SCRIPTS, script), '-D', `size=${size}`],
        ...['-c', `${clients}`, '-j', `${Math.min(THREADS, clients)}`, '-t', `${each}`],
        ...['-h', hostname, '-p', port, '-U', username, this.database],
      ],
      { env: { ...process.env, PGPASSWORD: password } },
    );
    const failed = Number(/failed transactions: (\d+)/.exec(stdout)?.[1] ?? 0);
    const rate = Number(/tps = ([\d.]+)/.exec(stdout)?.[1]);
    if (failed > 0 || !(rate > 0)) throw new Error(`pgbench: ${stdout}`);
    const done = each * clients * size;
    return { done, seconds: done / (rate * size) };
  }

  cpu() {
    return { server: null, client: endedChildrenCpuMs(process.pid), store: null };
  }

  /** Its sessions end with every run, and hand their counters in. */
  async flush() {}
  #sql(text) {
    return this.session((client) => client.query(text));
  }
}
