// Whoever is measured. Its load comes from a process of its own that is told what to do over IPC.
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { cpuMs } from './cpu.mjs';

/** Said instead of a figure, with the reason: a part of the machine or of the product is missing. */
export class NotThere extends Error {}

/**
 * PostgreSQL's sessions hand their counters in when a transaction ends at least a second after the last time, so the
 * counters are whole after that pause and one more transaction in every session.
 */
const STATS_PAUSE_MS = 1_050;
const WARM_UP_CLIENTS = 16;

export class Contender {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #program;
  #pending = new Map();
  #calls = 0;

  /**
   * @param {string} name @param {import('./cluster.mjs').Cluster} cluster
   * @param {string | null} database whose counters are its own; null when it does not use PostgreSQL
   */
  constructor(name, cluster, database = null) {
    this.name = name;
    this.cluster = cluster;
    this.database = database;
  }

  async start() {}

  /** Starts a program of `programs/`. @param {string} file @param {string} execPath */
  launch(file, execPath = process.execPath) {
    const program = fork(join(import.meta.dirname, '..', 'programs', file), {
      execPath,
      execArgv: ['--no-warnings'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    program.on('message', ({ id, value, error }) => {
      const { done, fail } = this.#pending.get(id);
      this.#pending.delete(id);
      if (error === undefined) done(value);
      else fail(error.notThere === true ? new NotThere(error.message) : new Error(error.message));
    });
    program.on('exit', (code, signal) => {
      const error = new Error(`${file} ended with ${code ?? signal}`);
      for (const { fail } of this.#pending.values()) fail(error);
      this.#pending.clear();
    });
    this.#program = program;
  }

  /** Has the program do something. @param {string} operation @param {object} [args] @returns {Promise<any>} */
  call(operation, args = {}) {
    return new Promise((done, fail) => {
      const id = ++this.#calls;
      this.#pending.set(id, { done, fail });
      this.#program.send({ id, operation, args }, (error) => error && fail(error));
    });
  }

  /** CPU so far: of its server process, of the program that makes the load, of a store that is not PostgreSQL. */
  cpu() {
    const pid = this.#program?.pid;
    return { server: null, client: pid === undefined ? null : cpuMs(pid), store: null };
  }

  /** Waits until the counters of PostgreSQL contain all that the contender did. */
  async flush() {
    if (this.database === null) return;
    await wait(STATS_PAUSE_MS);
    await this.call('tick');
  }

  /** Lets a new process compile what it will run. @param {number} count */
  async warmUp(count) {
    await this.call('enqueue', { count, clients: WARM_UP_CLIENTS });
    await this.call('cycle', { count, clients: WARM_UP_CLIENTS });
    await this.clear();
  }

  /** Leaves it without work or history. */
  async clear() {
    await this.call('clear');
  }

  /** Gives it `count` tasks that are ready, without being measured. @param {number} count */
  async fill(count) {
    await this.call('fill', { count });
  }

  /** Works on its database directly. @template T @param {(client: import('pg').Client) => Promise<T>} work */
  session(work) {
    return this.cluster.session(this.database, work);
  }

  /** Leaves its tables as autovacuum would in time, so that it does not begin in the middle of what is measured. */
  async settle() {
    if (this.database !== null) await this.session((client) => client.query('vacuum (analyze)'));
  }

  async stop() {
    await this.#endProgram();
    if (this.database !== null) await this.cluster.dropDatabase(this.database);
  }

  async #endProgram() {
    const program = this.#program;
    if (program === undefined || program.exitCode !== null || program.signalCode !== null) return;
    const gone = new Promise((done) => program.once('exit', done));
    await Promise.race([this.call('stop').catch(() => undefined), wait(5_000, undefined, { ref: false })]);
    program.kill('SIGKILL');
    await gone;
  }
}
