import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { EmbeddedPostgres } from '../../src/platform/embedded-postgres/index.js';
import { eventually } from '../support/eventually.js';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'skynet-embedded-'));
  chmodSync(root, 0o755);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function ask<R extends Record<string, unknown>>(url: string, text: string): Promise<R[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<R>(text)).rows;
  } finally {
    await client.end();
  }
}

const postmaster = ({ dataDir }: EmbeddedPostgres) =>
  Number(readFileSync(join(dataDir, 'pgdata', 'postmaster.pid'), 'utf8').split('\n')[0]);

/** Another program that uses the same folder; as an ordinary user when this process is root and `uid` is given. */
function sibling(folder: string, uid?: number) {
  const child = spawn(process.execPath, ['test/support/start-embedded.mjs', folder], {
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid, cwd: process.cwd() }),
  });
  let said = '';
  let warned = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (warned += chunk.toString()));
  return {
    url: () =>
      eventually(`it is up (${warned})`, () => {
        if (child.exitCode !== null) throw new Error(warned);
        return Promise.resolve(/postgres:\S+/.exec(said)?.[0]);
      }),
    kill: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
    end: async () => {
      child.stdin.end();
      await once(child, 'exit');
      return said.trim().split('\n').at(-1);
    },
  };
}

describe('the embedded PostgreSQL', () => {
  it('starts in an empty folder, keeps its data and its port over a stop, and hides its password', async () => {
    const options = { dataDir: join(root, 'plain'), durable: false };
    const first = await EmbeddedPostgres.start(options);
    await ask(first.url, 'create table kept (n int)');
    expect(await ask(first.url, `select current_setting('server_encoding') as e`)).toEqual([{ e: 'UTF8' }]);
    expect(await first.stop()).toBe('stopped');
    const second = await EmbeddedPostgres.start(options);
    expect(second.url).toBe(first.url);
    expect(await ask(second.url, 'select * from kept')).toEqual([]);
    await expect(ask(second.url.replace(/:[0-9a-f]{48}@/, ':wrong@'), 'select 1')).rejects.toThrow();
    expect(await second.stop()).toBe('stopped');
  });

  it('is shared by programs that start at once, and stopped by the last of them', async () => {
    const folder = join(root, 'shared');
    const programs = [sibling(folder), sibling(folder), sibling(folder)];
    const urls = await Promise.all(programs.map((program) => program.url()));
    expect(new Set(urls).size).toBe(1);
    const client = new pg.Client({ connectionString: urls[0] });
    await client.connect();
    expect(await programs[0]?.end()).toBe('left-running');
    await client.end();
    expect(await programs[1]?.end()).toBe('stopped');
    // The last one's supervision may bring it back before it ends as well.
    expect(await programs[2]?.end()).toBe('stopped');
  });

  it('outlives a program that is killed, and is attached to by the next', async () => {
    const folder = join(root, 'outlives');
    const program = sibling(folder);
    const url = await program.url();
    await ask(url, 'create table kept (n int)');
    await program.kill();
    expect(await ask(url, 'select 1 as n')).toEqual([{ n: 1 }]);
    const next = await EmbeddedPostgres.start({ dataDir: folder, durable: false });
    expect(next.url).toBe(url);
    expect(await next.stop()).toBe('stopped');
  });

  it('is brought back on its port when it is killed, and nothing committed is lost', async () => {
    const server = await EmbeddedPostgres.start({ dataDir: join(root, 'killed') });
    await ask(server.url, 'create table kept as select 1 as n');
    const { url } = server;
    process.kill(postmaster(server), 'SIGKILL');
    const rows = await eventually('it is back', () => ask(url, 'select n from kept').catch(() => undefined));
    expect(rows).toEqual([{ n: 1 }]);
    expect(server.url).toBe(url);
    expect(await server.stop()).toBe('stopped');
  });

  it('begins anew what was left half made, and takes over the lock of a dead starter', async () => {
    const dataDir = join(root, 'half');
    mkdirSync(join(dataDir, 'pgdata.new'), { recursive: true });
    writeFileSync(join(dataDir, 'pgdata.new', 'rubbish'), '');
    writeFileSync(join(dataDir, 'start.lock'), '999999999 1');
    const server = await EmbeddedPostgres.start({ dataDir, durable: false });
    expect(await ask(server.url, 'select 1 as n')).toEqual([{ n: 1 }]);
    expect(existsSync(join(dataDir, 'pgdata.new'))).toBe(false);
    await server.stop();
  });

  it('runs for an ordinary user', async () => {
    const folder = join(root, 'ordinary');
    mkdirSync(folder);
    // daemon: an account that every Debian has, and that PostgreSQL can look up.
    const uid = process.getuid?.() === 0 ? 1 : undefined;
    if (uid !== undefined) chownSync(folder, uid, uid);
    const program = sibling(join(folder, 'data'), uid);
    expect(await ask(await program.url(), 'select 1 as n')).toEqual([{ n: 1 }]);
    expect(await program.end()).toBe('stopped');
  });
});
