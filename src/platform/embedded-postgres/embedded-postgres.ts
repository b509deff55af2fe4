import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import net from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { type Account, canReach, unprivilegedAccount } from './account.js';
import { completeLibraries, copiedBinaries, EmbeddedPostgresError, installedBinaries } from './binaries.js';
import { withStartLock } from './start-lock.js';

export interface EmbeddedPostgresOptions {
  /** Where its data shall live. */
  readonly dataDir: string;
  /** false for throw-away clusters: nothing survives a crash of the machine. */
  readonly durable?: boolean;
  readonly settings?: Readonly<Record<string, string>>;
  /** Hears what a person should know, a line each. */
  readonly say?: (line: string) => void;
}

const USER = 'skynet';
const DATABASE = 'skynet';
const START_PATIENCE_MS = 60_000;
const PROBE_MS = 1_000;
/** A socket's path has 107 bytes; PostgreSQL adds `/.s.PGSQL.12345`. */
const MAX_SOCKET_FOLDER = 107 - '/.s.PGSQL.12345'.length;

/** Where root puts what the unprivileged account could not reach elsewhere. */
const SHARED = '/var/lib/skynet';

const NOT_DURABLE = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

/**
 * A real PostgreSQL in a folder of ours: made on first use, started when it does not run, attached to when it does. It
 * outlives the process that started it unless that process stops it, and is brought back when it dies.
 */
export class EmbeddedPostgres {
  private supervisor: NodeJS.Timeout | undefined;
  private mending: Promise<void> | undefined;
  private port = 0;

  private constructor(
    private readonly options: EmbeddedPostgresOptions,
    /** Where the data really lives. */
    readonly dataDir: string,
    private readonly native: string,
    private readonly account: Account | null,
    private readonly password: string,
  ) {}

  /** Starts or attaches. Throws {@link EmbeddedPostgresError} when only a person can help. */
  static async start(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
    const account = unprivilegedAccount();
    const place = placeFor(resolve(options.dataDir), account);
    makeFolder(place.home, account);
    makeFolder(join(place.home, 'sock'), account);
    const server = new EmbeddedPostgres(
      options,
      place.home,
      place.native,
      account,
      passwordIn(place.home, account),
    );
    await server.ensureRunning();
    server.supervisor = setInterval(() => void server.supervise(), PROBE_MS);
    server.supervisor.unref();
    return server;
  }

  get url(): string {
    return `postgres://${USER}:${this.password}@127.0.0.1:${this.port}/${DATABASE}`;
  }

  /** Makes it run if it does not. Safe from several processes at once: one starts it, the others wait and attach. */
  async ensureRunning(): Promise<void> {
    await withStartLock(join(this.dataDir, 'start.lock'), async () => {
      this.port = this.rememberedPort() ?? (await freePort());
      if (await this.answers('postgres')) return;
      await this.initialise();
      await this.boot();
      await this.createDatabase();
    });
  }

  /** Ends supervision; stops the server unless other programs are connected to it. */
  async stop(): Promise<'stopped' | 'left-running'> {
    clearInterval(this.supervisor);
    await this.mending;
    if (await this.hasOtherClients()) return 'left-running';
    await this.run('pg_ctl', ['stop', '-D', join(this.dataDir, 'pgdata'), '-m', 'fast', '-w', '-t', '30']);
    return 'stopped';
  }

  private async supervise(): Promise<void> {
    if (this.mending !== undefined || (await this.accepts())) return;
    this.mending ??= this.ensureRunning()
      .catch((error: unknown) =>
        this.options.say?.(`The embedded PostgreSQL does not come back: ${String(error)}`),
      )
      .finally(() => (this.mending = undefined));
    await this.mending;
  }

  private async initialise(): Promise<void> {
    const data = join(this.dataDir, 'pgdata');
    if (existsSync(join(data, 'PG_VERSION'))) return;
    const draft = `${data}.new`;
    rmSync(draft, { recursive: true, force: true });
    const passwordFile = join(this.dataDir, 'password');
    const init = [
      '-D',
      draft,
      '-U',
      USER,
      `--pwfile=${passwordFile}`,
      '-A',
      'scram-sha-256',
      '-E',
      'UTF8',
      '--no-sync',
    ];
    const made = await this.run('initdb', [...init, '--locale=C.UTF-8']);
    if (made.code !== 0) {
      rmSync(draft, { recursive: true, force: true });
      const plain = await this.run('initdb', [...init, '--locale=C']);
      if (plain.code !== 0) throw new EmbeddedPostgresError(`initdb failed: ${plain.output || made.output}`);
    }
    // The name says that it is whole: a start that is killed before this line begins anew.
    renameSync(draft, data);
  }

  private async boot(): Promise<void> {
    const end = performance.now() + START_PATIENCE_MS;
    for (;;) {
      await this.settlePort();
      const log = join(this.dataDir, 'start.log');
      const { output } = await this.run('pg_ctl', [
        ...['start', '-D', join(this.dataDir, 'pgdata'), '-w', '-t', '30', '-s'],
        ...['-l', log, '-o', this.serverOptions()],
      ]);
      // Right after a kill a start fails while the old processes die; another program may have been faster as well.
      if (await this.answers('postgres')) return;
      if (performance.now() > end) {
        const why = output || readOr(log, '').slice(-2_000);
        throw new EmbeddedPostgresError(`The embedded PostgreSQL in ${this.dataDir} does not start: ${why}`);
      }
      await wait(250);
    }
  }

  /** Keeps the port, so that pools find the server again; unless somebody else has it now. */
  private async settlePort(): Promise<void> {
    if (!(await canBind(this.port))) {
      await wait(1_500);
      if (!(await canBind(this.port)) && !(await this.answers('postgres'))) {
        const taken = this.port;
        this.port = await freePort();
        this.options.say?.(`Port ${taken} of the embedded PostgreSQL is taken; it moves to ${this.port}.`);
      }
    }
    writeOwned(join(this.dataDir, 'port'), String(this.port), this.account);
  }

  private serverOptions(): string {
    const socket = join(this.dataDir, 'sock');
    const settings: Record<string, string> = {
      listen_addresses: '127.0.0.1',
      port: String(this.port),
      unix_socket_directories: Buffer.byteLength(socket) <= MAX_SOCKET_FOLDER ? socket : '',
      max_connections: '200',
      logging_collector: 'on',
      log_directory: join(this.dataDir, 'log'),
      log_filename: 'postgresql-%w.log',
      log_truncate_on_rotation: 'on',
      ...(this.options.durable === false ? NOT_DURABLE : {}),
      ...this.options.settings,
    };
    return Object.entries(settings)
      .map(([name, value]) => `-c ${name}='${value.replaceAll("'", "''")}'`)
      .join(' ');
  }

  private async createDatabase(): Promise<void> {
    const client = await this.client('postgres');
    try {
      const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE]);
      if (rowCount === 0) await client.query(`create database ${DATABASE}`);
    } finally {
      await client.end();
    }
  }

  private async client(database: string): Promise<pg.Client> {
    const url = this.url.replace(/[^/]+$/, database);
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: 3_000,
      application_name: 'skynet-embedded',
    });
    client.on('error', () => undefined); // The query that was under way tells it.
    await client.connect();
    return client;
  }

  /** Whether it is our server that answers, and with a result: `pg_ctl status` still says "running" after a kill. */
  private async answers(database: string): Promise<boolean> {
    let client: pg.Client | undefined;
    try {
      client = await this.client(database);
      await client.query('select 1');
      return true;
    } catch {
      return false;
    } finally {
      await client?.end().catch(() => undefined);
    }
  }

  private accepts(): Promise<boolean> {
    return new Promise((done) => {
      const socket = net.connect({ host: '127.0.0.1', port: this.port, timeout: 2_000 });
      const finish = (accepted: boolean) => {
        socket.destroy();
        done(accepted);
      };
      socket
        .once('connect', () => finish(true))
        .once('error', () => finish(false))
        .once('timeout', () => finish(true));
    });
  }

  private async hasOtherClients(): Promise<boolean> {
    try {
      const client = await this.client('postgres');
      const { rows } = await client.query<{ n: string }>(
        `select count(*) as n from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`,
      );
      await client.end();
      return Number(rows[0]?.n) > 0;
    } catch {
      return false;
    }
  }

  private rememberedPort(): number | undefined {
    const port = Number(readOr(join(this.dataDir, 'port'), ''));
    return Number.isInteger(port) && port > 0 ? port : undefined;
  }

  private run(program: string, args: readonly string[]): Promise<{ code: number; output: string }> {
    return new Promise((done, fail) => {
      const child = spawn(join(this.native, 'bin', program), args, {
        cwd: '/',
        // A session of its own: the terminal's Ctrl-C is for us, not for the database.
        detached: true,
        // pg_ctl's child keeps these open for as long as it lives, so the start must not wait for their end.
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC', LD_LIBRARY_PATH: join(this.native, 'lib') },
        ...(this.account ?? {}),
      });
      let output = '';
      const collect = (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4_000));
      child.stdout.on('data', collect);
      child.stderr.on('data', collect);
      child.once('error', fail);
      child.once('exit', (code) => {
        child.stdout.destroy();
        child.stderr.destroy();
        done({ code: code ?? 1, output: output.trim() });
      });
    });
  }
}

/** Where data and binaries can be used by the account: where they are wanted, or, for root in a closed home, elsewhere. */
function placeFor(wanted: string, account: Account | null): { home: string; native: string } {
  const installed = installedBinaries();
  if (account === null) {
    completeLibraries(installed);
    return { home: wanted, native: installed };
  }
  const elsewhere = join(SHARED, createHash('sha256').update(wanted).digest('hex').slice(0, 12));
  const home = canReach(wanted, account) ? wanted : elsewhere;
  completeLibraries(installed);
  const reachable = canReach(join(installed, 'bin', 'postgres'), account);
  if (home === elsewhere || !reachable) mkdirSync(SHARED, { recursive: true, mode: 0o755 });
  return { home, native: reachable ? installed : copiedBinaries(installed, join(SHARED, 'postgresql')) };
}

function makeFolder(path: string, account: Account | null): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (account === null) return;
  chmodSync(path, 0o700);
  chownSync(path, account.uid, account.gid);
}

function writeOwned(path: string, text: string, account: Account | null): void {
  writeFileSync(path, text, { mode: 0o600 });
  if (account !== null) chownSync(path, account.uid, account.gid);
}

function passwordIn(home: string, account: Account | null): string {
  const path = join(home, 'password');
  try {
    writeFileSync(path, randomBytes(24).toString('hex'), { mode: 0o600, flag: 'wx' });
    if (account !== null) chownSync(path, account.uid, account.gid);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readFileSync(path, 'utf8').trim();
}

function readOr(path: string, fallback: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return fallback;
  }
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = net.createServer().once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => done(port));
    });
  });
}

function canBind(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = net.createServer().once('error', () => done(false));
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
  });
}
