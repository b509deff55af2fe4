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

const STANDBY = 'test_standby';

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
  const { password, port } = new URL(primary.url);
  const admin = await connected(primary.url);
  await admin.query(`select pg_backup_start('standby', true)`);
  const copy = standbyFolder;
  execFileSync('cp', ['-a', join(home, 'pgdata'), join(home, 'password'), copy]);
  const { rows } = await admin.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)');
  rmSync(join(copy, 'pgdata', 'postmaster.pid'), { force: true });
  writeFileSync(join(copy, 'pgdata', 'backup_label'), rows[0]?.labelfile ?? '');
  writeFileSync(join(copy, 'pgdata', 'standby.signal'), '');
  const { uid, gid } = statSync(join(copy, 'pgdata', 'PG_VERSION'));
  for (const name of ['backup_label', 'standby.signal']) chownSync(join(copy, 'pgdata', name), uid, gid);
  const standby = await EmbeddedPostgres.start({
    dataDir: standbyFolder,
    durable: false,
    settings: {
      ...settings,
      primary_conninfo: `host=127.0.0.1 port=${port} user=skynet password=${password} application_name=${STANDBY}`,
    },
  });
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

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, options: '-c synchronous_commit=local' });
  client.on('error', () => undefined); // The query that was under way tells it.
  await client.connect();
  return client;
}
