// Ours: `skynet serve` as a process of its own, and a program that calls it over HTTP.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { clearTimeout } from 'node:timers';
import { setTimeout as wait } from 'node:timers/promises';
import { Contender } from '../lib/contender.mjs';
import { cpuMs } from '../lib/cpu.mjs';
import { databaseOf } from '../lib/cluster.mjs';
import * as seed from '../lib/seed.mjs';

const PROGRAM = join(import.meta.dirname, '..', '..', 'bin', 'skynet');
const START_PATIENCE_MS = 60_000;
const DISPATCH_CLIENTS = 4;

const ENVIRONMENT = {
  SKYNET_PORT: '0',
  SKYNET_LOG_LEVEL: 'error',
  SKYNET_DIAGNOSTIC_RATE_LIMIT_PER_MIN: '0',
  SKYNET_CONTROL_SCHEDULER_ENABLED: '0',
};

export class Skynet extends Contender {
  #server;
  #dispatches;
  url = '';

  /**
   * @param {string} name
   * @param {import('../lib/cluster.mjs').Cluster} cluster
   * @param {{ dispatches?: boolean }} [options] dispatches: sends tasks to a gateway of the load program
   */
  constructor(name, cluster, { dispatches = false } = {}) {
    super(name, cluster, databaseOf(name));
    this.#dispatches = dispatches;
  }

  async start() {
    const databaseUrl = await this.cluster.freshDatabase(this.database);
    this.launch('skynet.mjs');
    const gateway = this.#dispatches
      ? { OPENCLAW_GATEWAY_URLS: await this.call('openGateway'), SKYNET_CONTROL_SCHEDULER_ENABLED: '1' }
      : {};
    this.url = await this.#serve({ ...ENVIRONMENT, ...gateway, DATABASE_URL: databaseUrl });
    await this.call('connect', { url: this.url });
  }

  async #serve(environment) {
    const server = spawn(process.execPath, ['--max-semi-space-size=64', PROGRAM, 'serve'], {
      // A folder without a `.env` that could change what is measured.
      cwd: import.meta.dirname,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#server = server;
    let said = '';
    server.stdout.on('data', (chunk) => (said += chunk));
    const end = performance.now() + START_PATIENCE_MS;
    for (;;) {
      const url = /control plane: (\S+)/.exec(said)?.[1];
      if (url !== undefined) return url;
      if (server.exitCode !== null || performance.now() > end)
        throw new Error(`skynet serve does not start: ${said}`);
      await wait(20);
    }
  }

  cpu() {
    const pid = this.#server?.pid;
    return { ...super.cpu(), server: pid === undefined ? null : cpuMs(pid) };
  }

  /** What is dispatched is not for pull workers: it is handed in, and goes to the gateway. */
  async warmUp(count) {
    if (this.#dispatches) await this.call('dispatch', { count, clients: DISPATCH_CLIENTS });
    else await super.warmUp(count);
  }

  async clear() {
    await this.session(seed.clear);
  }

  async fill(count) {
    await this.session((client) => seed.ready(client, count));
  }

  async fillJobs(count) {
    await this.session((client) => seed.readyJobs(client, count));
  }

  async stop() {
    const server = this.#server;
    if (server !== undefined && server.exitCode === null) {
      const gone = new Promise((done) => server.once('exit', done));
      server.kill('SIGTERM');
      const late = setTimeout(() => server.kill('SIGKILL'), 10_000);
      await gone;
      clearTimeout(late);
    }
    await super.stop();
  }
}

/** Programs that read the log of a server, beside the load. */
export class Readers extends Contender {
  /** @param {Skynet} skynet */
  async start(skynet) {
    this.launch('skynet.mjs');
    await this.call('connect', { url: skynet.url });
  }
}
