import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { EmbeddedPostgres } from '../../../src/platform/embedded-postgres/index.js';
import { eventually } from '../../support/eventually.js';
import { STANDBY, startStandby } from '../../support/standby.js';

/** Commits are written before they are answered; what the machine would lose in a crash of its own is not tried here. */
const SETTINGS = {
  wal_level: 'replica',
  hot_standby: 'on',
  wal_keep_size: '256MB',
  synchronous_commit: 'on',
  max_connections: '150',
};

/** A primary, which comes back by itself when it is killed, and a standby that streams from it. */
export class Postgres {
  private frozen: number[] = [];

  private constructor(
    private readonly primary: EmbeddedPostgres,
    private readonly standby: EmbeddedPostgres,
    private readonly folders: readonly string[],
  ) {}

  static async start(): Promise<Postgres> {
    const folders = ['primary', 'standby'].map((name) =>
      mkdtempSync(join(tmpdir(), `skynet-chaos-${name}-`)),
    );
    const [first = '', second = ''] = folders;
    const primary = await EmbeddedPostgres.start({ dataDir: first, durable: false, settings: SETTINGS });
    const admin = new pg.Client({ connectionString: primary.url });
    await admin.connect();
    const standby = await startStandby(primary, { admin, folder: second, settings: SETTINGS });
    await admin.end();
    return new Postgres(primary, standby, [...folders, primary.dataDir, standby.dataDir]);
  }

  get primaryUrl(): string {
    return this.primary.url;
  }

  get standbyUrl(): string {
    return this.standby.url;
  }

  /** The whole server at once, as when its machine is gone; it is started again soon after. */
  kill(): void {
    for (const pid of this.processes()) signal(pid, 'SIGKILL');
    this.frozen = [];
  }

  freeze(): void {
    this.frozen = this.processes();
    for (const pid of this.frozen) signal(pid, 'SIGSTOP');
  }

  thaw(): void {
    for (const pid of this.frozen) signal(pid, 'SIGCONT');
    this.frozen = [];
  }

  /** From now on a commit is answered only when the standby has it too. */
  async replicateSynchronously(): Promise<void> {
    await this.on(this.primary.url, async (admin) => {
      await admin.query(`alter system set synchronous_standby_names = '${STANDBY}'`);
      await admin.query('select pg_reload_conf()');
      await eventually('the standby is synchronous', async () => {
        const { rowCount } = await admin.query("select from pg_stat_replication where sync_state = 'sync'");
        return rowCount === 1 ? true : undefined;
      });
    });
  }

  /** Ends the primary for good, and makes the standby what it was. */
  async failOver(): Promise<void> {
    // A frozen primary is not started anew by who watches over it, and answers nobody.
    this.freeze();
    await this.on(this.standby.url, async (admin) => {
      await admin.query('select pg_promote(true, 60)');
      await admin.query(`alter system set synchronous_standby_names = ''`);
      await admin.query('select pg_reload_conf()');
    });
  }

  async close(): Promise<void> {
    this.thaw();
    for (const server of [this.standby, this.primary]) {
      await this.on(server.url, async (admin) => {
        await admin.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`,
        );
        // A stop waits for what waits for a standby.
        await admin.query(`alter system set synchronous_standby_names = ''`).catch(() => undefined);
        await admin.query('select pg_reload_conf()');
      }).catch(() => undefined);
      await server.stop();
    }
    for (const folder of this.folders)
      if (existsSync(folder)) rmSync(folder, { recursive: true, force: true });
  }

  private async on(url: string, work: (admin: pg.Client) => Promise<void>): Promise<void> {
    const admin = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
    admin.on('error', () => undefined); // The query that was under way tells it.
    await admin.connect();
    try {
      await work(admin);
    } finally {
      await admin.end().catch(() => undefined);
    }
  }

  /** The primary's processes, the first of which is the parent of the others. */
  private processes(): number[] {
    const file = join(this.primary.dataDir, 'pgdata', 'postmaster.pid');
    if (!existsSync(file)) return [];
    const parent = Number(readFileSync(file, 'utf8').split('\n')[0]);
    const children = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => parentOf(pid) === parent);
    return [parent, ...children];
  }
}

function parentOf(pid: number): number | undefined {
  try {
    // The name in parentheses may hold anything.
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1]);
  } catch {
    return undefined;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
