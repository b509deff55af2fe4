import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { connect, migrate } from '../../src/platform/database/connect.js';
import { dockerHomeIfPossible, embeddedHome, type Home, urlHome } from '../support/homes.mjs';

/** Debian's PostgreSQL 15, the oldest version that we support, on a socket and port of its own; needs an ordinary user. */
const DEBIAN = '/usr/lib/postgresql/15/bin';

async function debianHome(): Promise<Home> {
  const folder = mkdtempSync(join(tmpdir(), 'skynet-pg15-'));
  const asUser = (program: string, args: string[]) => {
    const account = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    execFileSync(join(DEBIAN, program), args, { cwd: '/', stdio: 'ignore', ...account });
  };
  if (process.getuid?.() === 0) execFileSync('chown', ['65534:65534', folder]);
  const port = await new Promise<number>((done) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const address = server.address() as net.AddressInfo;
      server.close(() => done(address.port));
    });
  });
  const data = join(folder, 'data');
  asUser('initdb', ['-D', data, '-U', 'test', '-A', 'trust', '-E', 'UTF8', '--no-sync']);
  asUser('pg_ctl', [
    'start',
    '-D',
    data,
    '-w',
    '-l',
    join(folder, 'log'),
    '-o',
    `-p ${port} -c listen_addresses=127.0.0.1 -k ${folder} -c fsync=off`,
  ]);
  return {
    ...(await urlHome(`postgres://test@127.0.0.1:${port}/postgres`)),
    close: () => {
      asUser('pg_ctl', ['stop', '-D', data, '-m', 'immediate', '-w']);
      rmSync(folder, { recursive: true, force: true });
      return Promise.resolve();
    },
  };
}

const homes: [name: string, open: () => Promise<Home>][] = [
  ['an embedded PostgreSQL', () => embeddedHome(mkdtempSync(join(tmpdir(), 'skynet-home-')))],
];
if (existsSync(DEBIAN)) homes.push(['a server of PostgreSQL 15 that a URL names', debianHome]);
else if (process.env['DATABASE_URL'] !== undefined)
  homes.push(['the server of DATABASE_URL', () => urlHome(process.env['DATABASE_URL'])]);
const container = await dockerHomeIfPossible(process.env);
if (container !== undefined) homes.push(['a container', () => Promise.resolve(container)]);

describe(`the database layer (no container is tried where no engine answers; homes here: ${homes.length})`, () => {
  it.each(homes)(
    'works on %s: migrate twice at once, write, notify, clone',
    async (_name, open) => {
      const home = await open();
      const admin = new pg.Client({ connectionString: home.adminUrl });
      admin.on('error', () => undefined);
      const name = `skynet_test_home_${process.pid}`;
      await admin.connect();
      try {
        await admin.query(`create database ${name}`);
        const url = new URL(home.adminUrl);
        url.pathname = `/${name}`;
        const options = {
          url: url.href,
          applicationName: 'skynet-test',
          poolSize: 4,
          program: 'control-plane' as const,
        };
        const sources = await Promise.all([connect(options), connect(options)]);
        const reports = await Promise.all(sources.map((source) => migrate(source)));
        expect(reports.filter((report) => report.applied.length > 0)).toHaveLength(1);
        await sources[0].query(
          `insert into tasks (id, action, params, gate, max_attempts, lease_seconds) values ('t', 'a', '{}', 0, 1, 1)`,
        );
        const listener = new pg.Client({ connectionString: url.href });
        await listener.connect();
        // A claim that is compiled anew takes a thousand times as long.
        expect((await listener.query('show jit')).rows).toEqual([{ jit: 'off' }]);
        await listener.query('listen here');
        const heard = new Promise((done) => listener.once('notification', ({ payload }) => done(payload)));
        await sources[1].query(`select pg_notify('here', 'hello')`);
        expect(await heard).toBe('hello');
        await listener.end();
        for (const source of sources) await source.destroy();
        await admin.query(`create database ${name}_copy template ${name} strategy file_copy`);
        await admin.query(`drop database ${name}_copy`);
        await admin.query(`drop database ${name}`);
      } finally {
        await admin.end();
        await home.close();
      }
    },
    120_000,
  );
});
