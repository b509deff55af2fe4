import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { freePort } from '../../src/actions/servers/ports.js';
import { untilDead } from '../gateway/fixture.js';
import { ActionsFixture } from './fixture.js';

let fixture: ActionsFixture;
beforeEach(() => {
  fixture = new ActionsFixture();
});
afterEach(() => fixture.close());

const SERVER = `require('node:http').createServer((q, s) => s.end(String(process.pid))).listen(process.env.PORT, '127.0.0.1')`;

function app(name: string, script = SERVER): string {
  fixture.write(`${name}/package.json`, JSON.stringify({ scripts: { dev: 'node server.cjs' } }));
  fixture.write(`${name}/server.cjs`, script);
  return fixture.path(name);
}

const start = async (params: object) => {
  const result = await fixture.act('start_dev_server', params);
  const [, pid = '', port = '', state = ''] = /^pid (\d+), port (\d+), (.+)$/.exec(result.stdout) ?? [];
  return { ...result, pid: Number(pid), port: Number(port), state };
};
const ask = async (port: number) => Number(await (await fetch(`http://127.0.0.1:${port}/`)).text());

describe('a development server', () => {
  it('runs until it is ended, with all that it has started', async () => {
    const server = await start({ working_dir: app('a') });
    expect(server).toMatchObject({ returncode: 0, state: 'accepting', stderr: '' });
    // npm starts a shell, and that the server.
    const inner = await ask(server.port);
    expect(inner).not.toBe(server.pid);
    expect(fixture.runner.background.count).toBe(1);
    await fixture.runner.background.end();
    await untilDead(inner);
    expect(fixture.runner.background.count).toBe(0);
  });

  it('is told its port, and replaces the one before it in its folder', async () => {
    const port = await freePort();
    const working_dir = app('a');
    const first = await start({ working_dir, port });
    expect(first.port).toBe(port);
    const pid = await ask(port);
    const second = await start({ working_dir, port });
    expect(second).toMatchObject({ port, state: 'accepting' });
    await untilDead(pid);
    expect(await ask(port)).not.toBe(pid);
    expect(fixture.runner.background.count).toBe(1);
    await start({ working_dir: app('b') });
    expect(fixture.runner.background.count).toBe(2);
  });

  it('of uvicorn is started with the module and the port', async () => {
    const python = fixture.program(
      'python3',
      `require('node:http').createServer((q, s) => s.end('1')).listen(args.at(-1), '127.0.0.1');`,
    );
    const working_dir = fixture.folder('py');
    const server = await start({ working_dir, framework: 'uvicorn' });
    await start({ working_dir, framework: 'uvicorn', app_module: 'api.app:create' });
    expect(python.calls().map(({ args }) => args.slice(0, -1))).toEqual([
      ['-m', 'uvicorn', 'main:app', '--port'],
      ['-m', 'uvicorn', 'api.app:create', '--port'],
    ]);
    expect(python.calls()[0]?.env['PORT']).toBe(String(server.port));
  });

  it('that ends at once is a failure with what it said', async () => {
    const result = await start({ working_dir: app('a', `console.error('no module'); process.exit(7)`) });
    expect(result.returncode).toBe(1);
    expect(result.stderr).toMatch(/^The server has ended with 7\.\n/);
    expect(result.stderr).toContain('no module');
    expect(fixture.runner.background.count).toBe(0);
  });

  it('that does not listen is told after a moment', async () => {
    const result = await start({ working_dir: app('a', `setInterval(() => {}, 1000)`) });
    expect(result).toMatchObject({ returncode: 0, state: 'not accepting yet' });
    expect(fixture.runner.background.count).toBe(1);
  });

  it('takes no port of others', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const result = await start({ working_dir: app('a'), port });
    expect(result).toMatchObject({ returncode: 1, stderr: `Port ${port} is in use.` });
    other.close();
  });

  it('is ended when the stop comes while it starts', async () => {
    const working_dir = app(
      'a',
      `require('node:fs').writeFileSync('begun', String(process.pid)); setInterval(() => {}, 1000)`,
    );
    const result = await fixture.actUntil('a/begun', 'emergency stop', 'start_dev_server', { working_dir });
    expect(result).toMatchObject({ returncode: -1, stderr: 'Process was killed by the emergency stop.' });
    await untilDead(Number(fixture.read('a/begun')));
    expect(fixture.runner.background.count).toBe(0);
  });

  it('is one of ten at most', async () => {
    fixture.program('npm', `setInterval(() => {}, 1000); ${SERVER}`);
    for (let index = 0; index < 10; index++) await start({ working_dir: fixture.folder(`s${index}`) });
    expect((await start({ working_dir: fixture.folder('s10') })).stderr).toBe(
      '10 servers are running already.',
    );
    expect((await start({ working_dir: fixture.folder('s9') })).state).toBe('accepting');
  });
});
