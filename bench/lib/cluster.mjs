// The PostgreSQL of a run: the product's embedded one, durable, in a folder that is thrown away afterwards.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { EmbeddedPostgres } from '../../dist/platform/embedded-postgres/index.js';

/** The database of a contender. @param {string} name */
export const databaseOf = (name) => `bench_${name.replaceAll(/\W+/g, '_')}`;

/** What a result depends on and a reader wants to see. */
const SETTINGS = ['server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers'];

export class Cluster {
  /** @type {EmbeddedPostgres} */
  #postgres;
  #folder;
  /** Connected to a database that no contender uses, so that reading figures adds to nobody's. */
  admin;

  static async start() {
    const cluster = new Cluster();
    cluster.#folder = mkdtempSync(join(tmpdir(), 'skynet-bench-'));
    cluster.#postgres = await EmbeddedPostgres.start({ dataDir: cluster.#folder });
    cluster.admin = new pg.Client({ connectionString: cluster.url('postgres') });
    await cluster.admin.connect();
    await cluster.#refuseToLie();
    return cluster;
  }

  /** @param {string} database */
  url(database) {
    return this.#postgres.url.replace(/[^/]+$/, database);
  }

  get postmasterPid() {
    const file = join(this.#postgres.dataDir, 'pgdata', 'postmaster.pid');
    return Number(readFileSync(file, 'utf8').split('\n')[0]);
  }

  /** An empty database of that name, whatever was there before. @param {string} name */
  async freshDatabase(name) {
    await this.admin.query(`drop database if exists ${name} with (force)`);
    await this.admin.query(`create database ${name}`);
    return this.url(name);
  }

  /** @param {string} name */
  async dropDatabase(name) {
    await this.admin.query(`drop database if exists ${name} with (force)`);
  }

  /**
   * Runs `work` on a connection of its own. Its end hands the session's counters in, so that the next reading of them
   * has all of it behind it.
   * @template T @param {string} database @param {(client: pg.Client) => Promise<T>} work
   */
  async session(database, work) {
    const client = new pg.Client({ connectionString: this.url(database) });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  async settings() {
    const { rows } = await this.admin.query(
      'select name, current_setting(name) as value from unnest($1::text[]) name',
      [SETTINGS],
    );
    return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
  }

  async stop() {
    await this.admin.end();
    await this.#postgres.stop();
    rmSync(this.#folder, { recursive: true, force: true });
    rmSync(this.#postgres.dataDir, { recursive: true, force: true });
  }

  async #refuseToLie() {
    const { fsync, synchronous_commit } = await this.settings();
    if (fsync !== 'on' || synchronous_commit !== 'on')
      throw new Error('The PostgreSQL of the run is not durable.');
  }
}
