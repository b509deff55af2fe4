import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { Program } from '../support/program.js';

let database: TestDatabase;
beforeAll(async () => (database = await createTestDatabase('empty')));
afterAll(() => database.drop());

const env = (more: Record<string, string> = {}) => ({
  DATABASE_URL: database.url,
  SKYNET_PORT: '0',
  ...more,
});

describe('skynet', () => {
  it('migrates an empty database, and finds nothing to do the second time', async () => {
    const first = Program.start('skynet', ['migrate', '--json'], env());
    expect(await first.exit()).toBe(0);
    expect(
      (JSON.parse(first.stdout) as { applied: Record<string, string[]> }).applied['control-plane']?.length,
    ).toBeGreaterThan(2);
    const second = Program.start('skynet', ['migrate'], env());
    expect(await second.exit()).toBe(0);
    expect(second.stdout).toContain('control-plane: up to date.');
  });

  it('serves on loopback without a key, says how to open it, documents itself, and ends with 0 at SIGTERM', async () => {
    const program = Program.start('skynet', ['serve'], env());
    const url = await program.line(/SKYNET control plane: (\S+)/);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    await program.line(/(To open it to the network, set SKYNET_API_KEY)/);
    expect((await fetch(`${url}/docs`)).status).toBe(200);
    expect(((await (await fetch(`${url}/docs-json`)).json()) as { openapi: string }).openapi).toBe('3.1.0');
    expect(await program.kill('SIGTERM')).toBe(0);
    expect(program.stderr).toContain('No key is configured');
    expect(program.stdout + program.stderr).not.toContain('"level":"error"');
  });

  it('says that the SkyClaw routes are open when only the others have a key', async () => {
    const keyed = { SKYNET_API_KEY: 'key', SKYNET_HOST: '127.0.0.1' };
    const open = Program.start('skynet', ['serve'], env(keyed));
    await open.line(/(SKYCLAW_TOKEN is not set: whoever reaches this address may hand in jobs)/);
    await open.kill('SIGTERM');
    for (const more of [{ SKYCLAW_TOKEN: 'token' }, { SKYNET_REQUIRE_AUTH: '1' }]) {
      const closed = Program.start('skynet', ['serve'], env({ ...keyed, ...more }));
      await closed.line(/SKYNET control plane: (\S+)/);
      await closed.kill('SIGTERM');
      expect(closed.stdout + closed.stderr).not.toContain('SKYCLAW_TOKEN');
    }
  });

  it('says which setting is misspelt or does not parse, by name and never by value', async () => {
    const program = Program.start(
      'skynet',
      ['serve'],
      env({ SKYNET_PROT: '1', SKYNET_MAX_BODY_BYTES: 'hunter2', SKYNET_DB_PATH: 'x' }),
    );
    await program.line(/SKYNET control plane: (\S+)/);
    expect(program.stderr).toContain(
      'SKYNET_PROT is not a setting of this program. Did you mean SKYNET_PORT?',
    );
    expect(program.stderr).toContain('SKYNET_MAX_BODY_BYTES should be');
    expect(program.stderr).toContain('SKYNET_DB_PATH has no effect');
    expect(program.stderr).not.toContain('hunter2');
    await program.kill('SIGTERM');
  });

  it('refuses to start when the database is not there, the port is taken, or a key is missing', async () => {
    const away = Program.start('skynet', ['serve'], env({ DATABASE_URL: 'postgres://x:y@127.0.0.1:1/none' }));
    expect(await away.exit()).toBe(1);
    expect(away.stderr).toContain('[skynet] The database cannot be reached (ECONNREFUSED).');
    const server = net.createServer().listen(0, '127.0.0.1');
    await new Promise((done) => server.once('listening', done));
    const { port } = server.address() as net.AddressInfo;
    const taken = Program.start('skynet', ['serve', '--port', String(port)], env());
    expect(await taken.exit()).toBe(1);
    expect(taken.stderr).toContain(`Port ${port} is in use.`);
    server.close();
    const open = Program.start('skynet', ['serve'], env({ SKYNET_REQUIRE_AUTH: '1' }));
    expect(await open.exit()).toBe(1);
    expect(open.stderr).toContain('Set SKYNET_API_KEY');
  });

  it('answers a typo with what was meant', async () => {
    const program = Program.start('skynet', ['serv']);
    expect(await program.exit()).toBe(1);
    expect(program.stderr).toContain('Did you mean serve?');
  });

  it('brings its own PostgreSQL when there is no DATABASE_URL, keeps the data, and survives a kill', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'skynet-cli-'));
    const own = { SKYNET_DATA_DIR: join(folder, 'data'), SKYNET_PORT: '0' };
    try {
      const first = Program.start('skynet', ['serve'], own);
      const url = await first.line(/SKYNET control plane: (\S+)/);
      expect(first.stdout).toContain('Data lives in ');
      await fetch(`${url}/v1/tasks/enqueue`, { method: 'POST', body: '{"action":"a","task_id":"kept"}' });
      await first.kill('SIGKILL');
      const second = Program.start('skynet', ['serve'], own);
      const next = await second.line(/SKYNET control plane: (\S+)/);
      expect((await fetch(`${next}/v1/tasks/kept`)).status).toBe(200);
      expect(await second.kill('SIGTERM')).toBe(0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('skyclaw', () => {
  it('shows help on none, help, -h and --help', async () => {
    for (const args of [[], ['help'], ['-h'], ['--help']]) {
      const program = Program.start('skyclaw', args);
      expect(await program.exit()).toBe(0);
      expect(program.stdout).toContain('skyclaw coordinator');
    }
  });

  it('answers an unknown command on stderr with exit code 1', async () => {
    const program = Program.start('skyclaw', ['dance']);
    expect(await program.exit()).toBe(1);
    expect(program.stderr).toBe('[skyclaw] unknown command: dance\n');
  });
});
