// `npm run drill:restore`: a backup is taken under load, the database is lost, and the backup brings it back.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { Load } from '../upgrade/load.js';
import { Release } from '../upgrade/previous-release.js';
import { Replica } from '../upgrade/replica.js';
import { lost, mustRun, say, step } from '../upgrade/steps.js';
import { MachinePostgres, toolsOfMachine } from './machine-postgres.js';

const LOAD_MS = 4_000;
const AFTER_MS = 1_500;
const LOST = 'skynet';
const RESTORED = 'skynet_restored';

type Method = 'dump' | 'basebackup';

async function createDatabase(server: MachinePostgres, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: server.url('postgres') });
  await client.connect();
  await client.query(`create database ${name}`);
  await client.end();
}

/** A backup that can be turned into a database, whose URL it gives. */
type Backup = () => Promise<string>;

async function take(
  method: Method,
  server: MachinePostgres,
  folder: string,
  copies: MachinePostgres[],
): Promise<Backup> {
  if (method === 'basebackup') {
    const copy = await step('pg_basebackup under load', () => server.copy());
    copies.push(copy);
    return () => Promise.resolve(copy.url(LOST));
  }
  const file = join(folder, 'skynet.dump');
  await step('pg_dump under load', () => {
    server.dump(LOST, file);
    return Promise.resolve();
  });
  return async () => {
    say(
      (
        await step('skynet backup-check of the dump', () =>
          mustRun(Release.present, ['backup-check', file, '--strict']),
        )
      ).trim(),
    );
    await createDatabase(server, RESTORED);
    await step('pg_restore into a new database', () => {
      server.restore(file, RESTORED);
      return Promise.resolve();
    });
    return server.url(RESTORED);
  };
}

async function drill(method: Method): Promise<boolean> {
  const server = await MachinePostgres.start(toolsOfMachine());
  const folder = mkdtempSync(join(tmpdir(), 'skynet-drill-backup-'));
  const copies: MachinePostgres[] = [];
  const replicas: Replica[] = [];
  const loads: Load[] = [];
  try {
    await createDatabase(server, LOST);
    const before = await step('a replica starts', () => Replica.start(Release.present, server.url(LOST)));
    replicas.push(before);
    const load = new Load([before.url]);
    loads.push(load);
    load.start();
    await step('load', () => wait(LOAD_MS));
    const kept = [...load.accepted];
    const backup = await take(method, server, folder, copies);
    await step('load after the backup', () => wait(AFTER_MS));
    await load.stop();
    await step('the replica ends, and its database is lost', () => before.end());
    const url = await backup();
    const check = () => mustRun(Release.present, ['backup-check', url, '--strict']);
    say((await step('skynet backup-check of the restored database', check)).trim());
    const after = await step('a replica starts on it', () => Replica.start(Release.present, url));
    replicas.push(after);
    const rest = new Load([after.url]);
    loads.push(rest);
    rest.start();
    await step('what was left is worked off, and more', async () => {
      await wait(AFTER_MS);
      await rest.finish();
    });
    await check();
    await step('skynet doctor', () =>
      mustRun(Release.present, ['doctor', '--url', after.url], { DATABASE_URL: url }),
    );
    const faults = [...rest.failed, ...(await lost(url, [...kept, ...rest.accepted]))];
    say(
      `${kept.length} tasks were accepted before the backup, ${load.accepted.length - kept.length} since; ${faults.length} faults`,
    );
    for (const fault of faults.slice(0, 20)) say(`  ${fault}`);
    return faults.length === 0 && kept.length > 0;
  } finally {
    await Promise.all(loads.map((load) => load.stop()));
    await Promise.all(replicas.map((replica) => replica.end()));
    for (const each of [...copies, server]) each.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  const { values } = parseArgs({ options: { method: { type: 'string', default: 'dump' } } });
  const { method } = values;
  if (method !== 'dump' && method !== 'basebackup') throw new Error('--method is dump or basebackup.');
  process.exitCode = (await drill(method)) ? 0 : 1;
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 2;
}
