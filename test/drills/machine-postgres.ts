import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unprivilegedAccount } from '../../src/platform/embedded-postgres/account.js';
import { freePort } from '../chaos/world/ports.js';

const FOLDERS = '/usr/lib/postgresql';
const NEEDED = ['initdb', 'pg_ctl', 'pg_dump', 'pg_restore', 'pg_basebackup'];
const USER = 'skynet';

/** The folder with server and tools of one release, the newest of this machine. Throws, saying what to install. */
export function toolsOfMachine(): string {
  const folders = existsSync(FOLDERS) ? readdirSync(FOLDERS).sort((a, b) => Number(b) - Number(a)) : [];
  const found = folders
    .map((version) => join(FOLDERS, version, 'bin'))
    .find((bin) => NEEDED.every((program) => existsSync(join(bin, program))));
  if (found !== undefined) return found;
  throw new Error(
    `This drill needs a PostgreSQL with its tools (${NEEDED.join(', ')}) below ${FOLDERS}, and there is none: ` +
      'the embedded one has no pg_dump. Debian and Ubuntu: apt-get install postgresql.',
  );
}

/** A server of this machine's PostgreSQL in a folder of its own, for as long as a drill lasts. */
export class MachinePostgres {
  private readonly account = unprivilegedAccount();
  private readonly data: string;

  private constructor(
    private readonly tools: string,
    private readonly folder: string,
    private readonly port: number,
    private readonly password: string,
  ) {
    this.data = join(folder, 'data');
  }

  static async start(tools: string): Promise<MachinePostgres> {
    const server = await MachinePostgres.place(tools, randomBytes(16).toString('hex'));
    const passwordFile = join(server.folder, 'password');
    writeFileSync(passwordFile, server.password);
    server.own(passwordFile);
    const login = ['-U', USER, '-A', 'scram-sha-256', `--pwfile=${passwordFile}`];
    server.run('initdb', ['-D', server.data, ...login, '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync']);
    server.boot();
    return server;
  }

  /** Copies all files of this server while it works, and starts another one on them. */
  async copy(): Promise<MachinePostgres> {
    const other = await MachinePostgres.place(this.tools, this.password);
    const from = ['-h', '127.0.0.1', '-p', String(this.port), '-U', USER];
    this.run('pg_basebackup', ['-D', other.data, ...from, '-X', 'stream', '-c', 'fast', '--no-sync']);
    other.boot();
    return other;
  }

  url(database: string): string {
    return `postgres://${USER}:${this.password}@127.0.0.1:${this.port}/${database}`;
  }

  dump(database: string, file: string): void {
    this.tool('pg_dump', ['-Fc', '-f', file, this.url(database)]);
  }

  restore(file: string, database: string): void {
    this.tool('pg_restore', ['--exit-on-error', '-d', this.url(database), file]);
  }

  close(): void {
    this.run('pg_ctl', ['stop', '-D', this.data, '-m', 'immediate', '-w', '-s']);
    rmSync(this.folder, { recursive: true, force: true });
  }

  private static async place(tools: string, password: string): Promise<MachinePostgres> {
    const folder = mkdtempSync(join(tmpdir(), 'skynet-drill-'));
    const server = new MachinePostgres(tools, folder, await freePort(), password);
    mkdirSync(join(folder, 'sock'));
    for (const path of [folder, join(folder, 'sock')]) server.own(path);
    return server;
  }

  private own(path: string): void {
    if (this.account !== null) chownSync(path, this.account.uid, this.account.gid);
  }

  private boot(): void {
    const options = `-p ${this.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${join(this.folder, 'sock')} -c fsync=off`;
    const log = join(this.folder, 'log');
    this.run('pg_ctl', ['start', '-D', this.data, '-w', '-s', '-l', log, '-o', options]);
  }

  /** As the account that owns the files. */
  private run(program: string, args: readonly string[]): void {
    this.tool(program, args, this.account ?? {});
  }

  private tool(program: string, args: readonly string[], account: { uid?: number; gid?: number } = {}): void {
    execFileSync(join(this.tools, program), args, {
      cwd: '/',
      stdio: ['ignore', 'ignore', 2],
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', PGPASSWORD: this.password },
      ...account,
    });
  }
}
