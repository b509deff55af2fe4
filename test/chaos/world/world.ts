import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { Program } from '../../support/program.js';
import { Part, type Role } from './part.js';
import { PgBouncer } from './pgbouncer.js';
import { freePort } from './ports.js';
import { Postgres } from './postgres.js';
import { Proxy } from './proxy.js';

export interface WorldOptions {
  /** Where the build is whose programs are run. */
  readonly root: string;
  readonly replicas: number;
  readonly gateways: number;
  readonly workers: number;
  readonly hosts: number;
  /** The program, or null to go to PostgreSQL directly. */
  readonly pgbouncer: string | null;
  /** More settings of the control planes. */
  readonly env?: Readonly<Record<string, string>>;
  /** More settings of one control plane. */
  readonly envOf?: (index: number) => Readonly<Record<string, string>>;
}

const HARNESS = join(import.meta.dirname, '..');
const LANES = '3';

/** Everything in a hurry, so that what takes minutes in a real installation is tried many times in a run. */
const HASTE = {
  SKYNET_DIAGNOSTIC_RATE_LIMIT_PER_MIN: '0',
  SKYNET_REDACT_CLAIM_TOKENS: '0',
  SKYNET_CONTROL_SCHEDULER_POLL_SECS: '0.3',
  SKYNET_STALE_LOCK_REAPER_POLL_SECS: '0.5',
  SKYNET_GATEWAY_PROBE_SECS: '0.5',
  SKYNET_TASK_MAX_ATTEMPTS: '1000',
  SKYCLAW_JOB_MAX_ATTEMPTS: '1000',
  SKYCLAW_LEASE_MS: '3000',
  SKYCLAW_HOST_TIMEOUT_MS: '4000',
  SKYNET_DB_POOL_SIZE: '8',
  SKYNET_LOG_LEVEL: 'error',
};

/** A whole installation of real programs, with a way of our own between any two that may lose each other. */
export class World {
  private static readonly living = new Set<World>();

  /** For a run that is broken off: nothing of it goes on. */
  static async closeAll(): Promise<void> {
    await Promise.all([...World.living].map((world) => world.close()));
  }

  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'skynet-chaos-')));
  readonly traces = join(this.folder, 'traces');
  readonly work = join(this.folder, 'work');
  readonly parts: Part[] = [];
  /** From each replica and gateway to the database, and from the control planes to each gateway. */
  readonly ways = new Map<string, Proxy>();
  readonly urls: string[] = [];
  bouncer: PgBouncer | undefined;
  private readers: pg.Pool | undefined;

  private constructor(
    private readonly options: WorldOptions,
    readonly postgres: Postgres,
    /** To whichever server is the primary. */
    private readonly primary: Proxy,
  ) {}

  static async start(options: WorldOptions): Promise<World> {
    const postgres = await Postgres.start();
    const url = new URL(postgres.primaryUrl);
    const primary = await Proxy.to(Number(url.port));
    const world = new World(options, postgres, primary);
    World.living.add(world);
    try {
      await world.build(url);
    } catch (error) {
      await world.close();
      throw error;
    }
    return world;
  }

  of(role: Role): Part[] {
    return this.parts.filter((part) => part.role === role);
  }

  /** What the actions have left so far, a line each. */
  tracesSoFar(): string[] {
    return readFileSync(this.traces, 'utf8').split('\n').slice(0, -1);
  }

  /** Reads the database, past all troubled ways. Rejects while it is away. */
  async read<R extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<R[]> {
    this.readers ??= this.connect();
    return (await this.readers.query<R>(text, [...values])).rows;
  }

  /** The address of the database leads to the standby from now on, which is the primary then. */
  async failOver(): Promise<void> {
    await this.postgres.failOver();
    this.primary.moveTo(Number(new URL(this.postgres.standbyUrl).port));
  }

  /** Everything runs and every way is well. */
  async mend(): Promise<void> {
    for (const way of this.ways.values()) way.mend();
    this.postgres.thaw();
    if (this.bouncer !== undefined) {
      this.bouncer.process?.kill('SIGCONT');
      if (this.bouncer.process?.exitCode !== null || this.bouncer.process.signalCode !== null)
        await this.bouncer.run();
    }
    for (const part of this.parts) {
      part.signal('SIGCONT');
      part.run();
    }
    await Promise.all(this.of('replica').map((part) => part.untilServing()));
  }

  async close(): Promise<void> {
    if (!World.living.delete(this)) return;
    for (const part of this.parts) part.retire();
    for (const way of this.ways.values()) way.mend();
    this.postgres.thaw();
    const executors = this.parts.filter(({ role }) => role !== 'replica');
    await Promise.all(executors.map((part) => part.end(part.role === 'worker' ? 'SIGKILL' : 'SIGTERM')));
    await Promise.all(this.of('replica').map((part) => part.end('SIGKILL')));
    await this.readers?.end();
    await this.bouncer?.close();
    for (const way of [...this.ways.values(), this.primary]) await way.close();
    await this.postgres.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private connect(): pg.Pool {
    const url = new URL(this.postgres.primaryUrl);
    url.port = String(this.primary.port);
    const pool = new pg.Pool({
      connectionString: url.href,
      max: 2,
      connectionTimeoutMillis: 3_000,
      query_timeout: 20_000,
      options: '-c default_transaction_read_only=on',
    });
    pool.on('error', () => undefined); // The next query gets another connection.
    return pool;
  }

  private async build(database: URL): Promise<void> {
    const { options } = this;
    writeFileSync(this.traces, '');
    for (let folder = 0; folder < 12; folder++)
      mkdirSync(join(this.work, String(folder)), { recursive: true });
    if (options.pgbouncer !== null) {
      this.bouncer = await PgBouncer.start(options.pgbouncer, database, this.primary.port);
    }
    const gatewayPorts = await Promise.all(Array.from({ length: options.gateways }, freePort));
    const gatewayUrls: string[] = [];
    for (const [index, port] of gatewayPorts.entries()) {
      const way = await this.way(`to gateway${index + 1}`, port);
      gatewayUrls.push(`http://127.0.0.1:${way.port}`);
      await this.addGateway(`gateway${index + 1}`, port, database);
    }
    for (let index = 0; index < options.replicas; index++) {
      await this.addReplica(index, database, gatewayUrls.join(',') || ',');
      // The first one migrates; the others would wait for it.
      await this.parts.at(-1)?.untilServing();
    }
    for (const gateway of this.of('gateway')) gateway.run();
    await Promise.all(this.of('gateway').map((gateway) => gateway.untilServing()));
    for (let index = 1; index <= options.workers; index++) this.addWorker(`worker${index}`);
    for (let index = 1; index <= options.hosts; index++) this.addHost(`host${index}`);
  }

  private async way(name: string, port: number): Promise<Proxy> {
    const way = await Proxy.to(port);
    this.ways.set(name, way);
    return way;
  }

  private async databaseOf(name: string, database: URL): Promise<string> {
    const way = await this.way(`${name} to database`, this.bouncer?.port ?? this.primary.port);
    const url = new URL(database);
    url.port = String(way.port);
    return url.href;
  }

  private async addReplica(index: number, database: URL, gateways: string): Promise<void> {
    const name = `replica${index + 1}`;
    const port = await freePort();
    const env = {
      ...HASTE,
      DATABASE_URL: await this.databaseOf(name, database),
      OPENCLAW_GATEWAY_URLS: gateways,
      SKYNET_PORT: String(port),
      ...this.options.env,
      ...this.options.envOf?.(index),
    };
    this.urls.push(`http://127.0.0.1:${port}`);
    this.add(
      'replica',
      name,
      () => this.program('skynet', ['serve'], env),
      /SKYNET control plane: (\S+)/,
    ).run();
  }

  private async addGateway(name: string, port: number, database: URL): Promise<void> {
    const env = {
      DATABASE_URL: await this.databaseOf(name, database),
      SKYNET_HTTP_PORT: String(port),
      SKYNET_ALLOWED_ROOTS: this.work,
      SKYNET_CODEX_BIN: join(HARNESS, 'load', 'agent.sh'),
      SKYNET_DB_POOL_SIZE: '6',
      SKYNET_LOG_LEVEL: 'error',
    };
    this.add('gateway', name, () => this.program('skynet', ['gateway'], env), /OpenClaw gateway: (\S+)/);
  }

  private addWorker(name: string): void {
    const args = [name, this.urls.join(','), this.traces, LANES];
    this.add('worker', name, () => Program.run(join(HARNESS, 'load', 'worker.mjs'), args)).run();
  }

  private addHost(name: string): void {
    const env = {
      SKYCLAW_COORDINATOR_URLS: this.urls.join(','),
      SKYCLAW_HOST_ID: name,
      SKYCLAW_HOST_NAME: name,
      SKYCLAW_STATE_DIR: join(this.folder, name),
      SKYCLAW_WORK_ROOT: this.work,
      SKYCLAW_MAX_PARALLEL: '3',
      SKYCLAW_POLL_MS: '150',
      SKYCLAW_HEARTBEAT_MS: '500',
      SKYCLAW_ALLOWED_COMMANDS: 'sh',
    };
    this.add('host', name, () => this.program('skyclaw', ['host'], env)).run();
  }

  private program(name: 'skynet' | 'skyclaw', args: readonly string[], env: Record<string, string>): Program {
    return Program.run(join(this.options.root, 'bin', name), args, env);
  }

  private add(role: Role, name: string, start: () => Program, serving?: RegExp): Part {
    const part = new Part(role, name, start, serving);
    this.parts.push(part);
    return part;
  }
}
