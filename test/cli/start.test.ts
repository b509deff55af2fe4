import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { Program } from '../support/program.js';
import { portOr } from '../../src/cli/quickstart/processes.js';

let database: TestDatabase;
beforeAll(async () => (database = await createTestDatabase()));
afterAll(() => database.drop());
const env = (more: Record<string, string> = {}) => ({
  DATABASE_URL: database.url,
  SKYNET_PORT: '0',
  ...more,
});

describe('a program that cannot start', () => {
  const elsewhere = (path: string) => {
    const url = new URL(database.url);
    url.pathname = `/${path}`;
    return url.href;
  };
  it.each([
    [
      'a database that is not there',
      () => env({ DATABASE_URL: elsewhere('nowhere_at_all') }),
      'nowhere_at_all',
    ],
    ['a text that is no URL', () => env({ DATABASE_URL: 'hunter2' }), 'DATABASE_URL'],
    ['an address of another machine', () => env({ SKYNET_HOST: '203.0.113.1' }), 'no address 203.0.113.1'],
  ])('says why in one line, for %s', async (_what, settings, text) => {
    const program = Program.start('skynet', ['serve'], settings());
    expect(await program.exit()).toBe(1);
    const lines = program.stderr.split('\n').filter((line) => line.startsWith('[skynet]'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(text);
    expect(program.stderr).not.toMatch(/\n {4}at /);
  });

  it('refuses a port that is none, and says what one is', async () => {
    const program = Program.start('skynet', ['serve', '--port', '65536'], env());
    expect(await program.exit()).toBe(1);
    expect(program.stderr).toContain('a whole number from 0 to 65535');
  });

  it('answers a misspelt flag with what was meant', async () => {
    const program = Program.start('skynet', ['serve', '--prot', '1'], env());
    expect(await program.exit()).toBe(1);
    expect(program.stderr).toContain('Did you mean --port?');
  });
});

describe('a program that is told to end', () => {
  it('while it starts, ends with 0 once it can', async () => {
    const program = Program.start('skynet', ['serve'], env());
    await program.line(/(Data lives in)/);
    expect(await program.kill('SIGTERM')).toBe(0);
  });

  it('twice, ends at once', async () => {
    const program = Program.start('skynet', ['serve'], env());
    const url = new URL(await program.line(/SKYNET control plane: (\S+)/));
    // A request whose body does not come holds the first signal up.
    const request = http.request({
      host: url.hostname,
      port: url.port,
      path: '/v1/tasks/claim',
      method: 'POST',
    });
    request.on('error', () => undefined);
    request.write('{');
    await once(request, 'socket');
    await fetch(url);
    // Two of one kind could arrive as one.
    program.child.kill('SIGINT');
    program.child.kill('SIGTERM');
    expect(await program.exit()).toBe(1);
  });
});

describe('a program whose output nobody reads any more', () => {
  const unread = async (args: string[], started: RegExp) => {
    const url = `http://127.0.0.1:${await portOr(0)}`;
    const program = Program.start('skynet', args, env({ SKYNET_PORT: new URL(url).port }));
    await program.line(started);
    program.child.stdout?.destroy();
    program.child.stderr?.destroy();
    return { program, url };
  };
  const answers = (url: string) =>
    fetch(`${url}/health/live`).then(
      () => true as const,
      () => undefined,
    );

  it('serves on', async () => {
    const { program, url } = await unread(['serve'], /(Data lives in)/);
    await eventually('it answers', () => answers(url));
    expect(await program.kill('SIGTERM')).toBe(0);
  });

  it('ends with all that it has started, when it was there to be read', async () => {
    const { program, url } = await unread(['quickstart', '--plain'], /(Starting the control plane)/);
    expect(await program.exit()).toBe(0);
    expect(await answers(url)).toBeUndefined();
  });
});

describe('the settings of a program', () => {
  it('come from .env as well, which the environment overrules and a flag overrules both', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'skynet-env-'));
    writeFileSync(join(folder, '.env'), 'SKYNET_API_KEY=from-file\nSKYNET_HOST=127.0.0.2\nSKYNET_PORT=1\n');
    const child = spawn(process.execPath, [resolve('bin/skynet'), 'serve', '--port', '0'], {
      cwd: folder,
      env: {
        PATH: process.env['PATH'],
        DATABASE_URL: database.url,
        SKYNET_HOST: '127.0.0.1',
        OPENCLAW_GATEWAY_URLS: ',',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      let url: string | undefined;
      let said = '';
      for await (const chunk of child.stdout) {
        said += String(chunk);
        url = /SKYNET control plane: (\S+)/.exec(said)?.[1];
        if (url !== undefined) break;
      }
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      const status = async (key: string) =>
        (await fetch(`${String(url)}/v1/tasks`, { headers: { 'x-api-key': key } })).status;
      expect([await status('from-file'), await status('wrong')]).toEqual([200, 401]);
    } finally {
      child.kill('SIGTERM');
      await once(child, 'exit');
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('need no key to migrate', async () => {
    const program = Program.start('skynet', ['migrate'], env({ SKYNET_REQUIRE_AUTH: '1' }));
    expect(await program.exit()).toBe(0);
  });

  it('say why an API with a key is open', async () => {
    const program = Program.start(
      'skynet',
      ['serve'],
      env({ SKYNET_API_KEY: 'k', SKYNET_PROTECT_DIAGNOSTICS: '0' }),
    );
    await program.line(/(Open to whoever reaches 0\.0\.0\.0)/);
    expect(program.stderr).toContain('SKYNET_PROTECT_DIAGNOSTICS is off');
    await program.kill('SIGTERM');
  });
});

describe('skyclaw coordinator', () => {
  it('serves the same API where its own settings say', async () => {
    const program = Program.start('skyclaw', ['coordinator'], {
      DATABASE_URL: database.url,
      SKYCLAW_COORDINATOR_HOST: '127.0.0.1',
      SKYCLAW_COORDINATOR_PORT: '0',
      SKYNET_PORT: '1',
    });
    const url = await program.line(/SKYNET control plane: (http:\/\/127\.0\.0\.1:\S+)/);
    expect((await fetch(`${url}/v1/health`)).status).toBe(200);
    expect(await program.kill('SIGINT')).toBe(0);
  });
});
