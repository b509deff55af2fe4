import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { EmbeddedPostgres } from '../../src/platform/embedded-postgres/index.js';
import { eventually } from './eventually.js';

/** A PostgreSQL with a synchronous standby, both of the test's own. */
export interface ReplicatedDatabase {
  readonly url: string;
  /** Runs a statement on the primary. */
  query<R extends pg.QueryResultRow>(text: string): Promise<R[]>;
  /** Freezes the standby: it stays attached and confirms nothing. */
  pauseStandby(): Promise<void>;
  resumeStandby(): void;
  /** Whether the primary waits for the standby; it streams in any case. */
  setSynchronous(isSynchronous: boolean): Promise<void>;
  close(): Promise<void>;
}

export const STANDBY = 'test_standby';

export async function startReplicatedDatabase(): Promise<ReplicatedDatabase> {
  const folders = ['primary', 'standby'].map((name) => mkdtempSync(join(tmpdir(), `skynet-${name}-`)));
  const [primaryFolder = '', standbyFolder = ''] = folders;
  const settings = {
    wal_level: 'replica',
    hot_standby: 'on',
    wal_keep_size: '64MB',
    synchronous_commit: 'local',
  };
  const primary = await EmbeddedPostgres.start({ dataDir: primaryFolder, durable: false, settings });
  const home = primary.dataDir;
  const admin = await connected(primary.url);
  const standby = await startStandby(primary, { admin, folder: standbyFolder, settings });
  const replica = await connected(standby.url);
  let frozen: number | undefined;

  const setSynchronous = async (isSynchronous: boolean) => {
    await admin.query(`alter system set synchronous_standby_names = '${isSynchronous ? STANDBY : ''}'`);
    await admin.query('select pg_reload_conf()');
    await eventually('the primary knows its standbys', async () => {
      const found = await admin.query(
        `select from pg_stat_replication where state = 'streaming' and sync_state = '${isSynchronous ? 'sync' : 'async'}'`,
      );
      return found.rowCount === 1 ? true : undefined;
    });
  };
  await setSynchronous(true);
  const resumeStandby = () => {
    if (frozen !== undefined) process.kill(frozen, 'SIGCONT');
    frozen = undefined;
  };
  return {
    url: primary.url,
    query: async <R extends pg.QueryResultRow>(text: string) => (await admin.query<R>(text)).rows,
    pauseStandby: async () => {
      const found = await replica.query<{ pid: number }>('select pid from pg_stat_wal_receiver');
      frozen = found.rows[0]?.pid;
      if (frozen === undefined) throw new Error('The standby does not receive.');
      process.kill(frozen, 'SIGSTOP');
    },
    resumeStandby,
    setSynchronous,
    close: async () => {
      resumeStandby();
      await setSynchronous(false).catch(() => undefined);
      await replica.end();
      await standby.stop();
      await admin.end();
      await primary.stop();
      for (const folder of [...folders, home, standby.dataDir]) {
        if (existsSync(folder)) rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

/** A standby that streams from a primary, made from a copy of it. `admin` is connected to the primary. */
export async function startStandby(
  primary: EmbeddedPostgres,
  {
    admin,
    folder,
    settings,
  }: {
    readonly admin: pg.Client;
    readonly folder: string;
    readonly settings: Readonly<Record<string, string>>;
  },
): Promise<EmbeddedPostgres> {
  const { password, port } = new URL(primary.url);
  await admin.query(`select pg_backup_start('standby', true)`);
  execFileSync('cp', ['-a', join(primary.dataDir, 'pgdata'), join(primary.dataDir, 'password'), folder]);
  const { rows } = await admin.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)');
  const data = join(folder, 'pgdata');
  rmSync(join(data, 'postmaster.pid'), { force: true });
  writeFileSync(join(data, 'backup_label'), rows[0]?.labelfile ?? '');
  writeFileSync(join(data, 'standby.signal'), '');
  const { uid, gid } = statSync(join(data, 'PG_VERSION'));
  for (const name of ['backup_label', 'standby.signal']) chownSync(join(data, name), uid, gid);
  return EmbeddedPostgres.start({
    dataDir: folder,
    durable: false,
    settings: {
      ...settings,
      primary_conninfo: `host=127.0.0.1 port=${port} user=skynet password=${password} application_name=${STANDBY}`,
    },
  });
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, options: '-c synchronous_commit=local' });
  client.on('error', () => undefined); // The query that was under way tells it.
  await client.connect();
  return client;
}
