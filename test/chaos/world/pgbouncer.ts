import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unprivilegedAccount } from '../../../src/platform/embedded-postgres/account.js';
import { eventually } from '../../support/eventually.js';
import { freePort } from './ports.js';

/** The first that keeps prepared statements apart in transaction mode. */
const NEEDED = [1, 21] as const;

/** A PgBouncer in transaction mode, which lends few connections of the server to many of its clients. */
export class PgBouncer {
  private child: ChildProcess | undefined;

  private constructor(
    private readonly program: string,
    private readonly folder: string,
    readonly port: number,
    private readonly account: { readonly uid: number; readonly gid: number } | null,
  ) {}

  /** Why there is none that could be used; null when there is one. */
  static missing(program: string): string | null {
    let version: string;
    try {
      version =
        /PgBouncer (\d+\.\d+)/.exec(execFileSync(program, ['--version'], { encoding: 'utf8' }))?.[1] ?? '';
    } catch {
      return `there is no ${program} (Debian: apt-get install pgbouncer)`;
    }
    const [major = 0, minor = 0] = version.split('.').map(Number);
    if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) return null;
    return `PgBouncer ${version} knows no prepared statements in transaction mode; ${NEEDED.join('.')} does`;
  }

  /**
   * In front of the server of `url`, which it reaches at `serverPort` of this machine. `prepared`: how many statements it
   * keeps for each connection; null leaves that to older releases, which keep none.
   */
  static async start(
    program: string,
    url: URL,
    serverPort: number,
    { prepared = 500 }: { readonly prepared?: number | null } = {},
  ): Promise<PgBouncer> {
    const database = url.pathname.slice(1);
    const folder = mkdtempSync(join(tmpdir(), 'skynet-chaos-pgbouncer-'));
    const account = unprivilegedAccount();
    const port = await freePort();
    const file = join(folder, 'pgbouncer.ini');
    writeFileSync(
      file,
      [
        '[databases]',
        `${database} = host=127.0.0.1 port=${serverPort} dbname=${database} user=${url.username} password=${url.password}`,
        '[pgbouncer]',
        'listen_addr = 127.0.0.1',
        `listen_port = ${port}`,
        'unix_socket_dir =',
        'auth_type = any',
        'pool_mode = transaction',
        ...(prepared === null ? [] : [`max_prepared_statements = ${prepared}`]),
        'default_pool_size = 20',
        'max_client_conn = 500',
        'server_login_retry = 1',
        'query_wait_timeout = 10',
        'ignore_startup_parameters = extra_float_digits',
        'log_connections = 0',
        'log_disconnections = 0',
        '',
      ].join('\n'),
    );
    chmodSync(folder, 0o700);
    if (account !== null) for (const path of [folder, file]) chownSync(path, account.uid, account.gid);
    const bouncer = new PgBouncer(program, folder, port, account);
    await bouncer.run();
    return bouncer;
  }

  get process(): ChildProcess | undefined {
    return this.child;
  }

  /** Starts it, anew when it was killed. */
  async run(): Promise<void> {
    const child = spawn(this.program, ['-q', join(this.folder, 'pgbouncer.ini')], {
      cwd: '/',
      stdio: 'ignore',
      ...(this.account ?? {}),
    });
    this.child = child;
    await eventually('PgBouncer listens', () => this.listens());
  }

  async kill(): Promise<void> {
    const { child } = this;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private listens(): Promise<true | undefined> {
    return new Promise((done) => {
      const socket = net.connect(this.port, '127.0.0.1');
      socket.once('connect', () => {
        socket.destroy();
        done(true);
      });
      socket.once('error', () => done(undefined));
    });
  }
}
