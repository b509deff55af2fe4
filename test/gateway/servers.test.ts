import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type RunningGateway } from '../../src/gateway/index.js';
import { Program } from '../support/program.js';
import { act, GatewayFixture, post, untilDead } from './fixture.js';

let fixture: GatewayFixture;
let gateway: RunningGateway;

beforeAll(async () => {
  fixture = await GatewayFixture.create();
  gateway = await fixture.start();
});
afterAll(() => fixture.close());

describe('a development server', () => {
  const begin = async (at: { readonly url: string }, name: string) => {
    const working_dir = fixture.path(name);
    mkdirSync(working_dir);
    writeFileSync(`${working_dir}/package.json`, JSON.stringify({ scripts: { dev: 'node server.cjs' } }));
    writeFileSync(
      `${working_dir}/server.cjs`,
      `require('node:fs').writeFileSync('pid', String(process.pid));
       require('node:net').createServer().listen(process.env.PORT);`,
    );
    const { body } = await act(at, 'start_dev_server', { working_dir });
    expect(body.result.stdout).toMatch(/^pid \d+, port \d+, accepting$/);
    expect(existsSync(`${working_dir}/pid`)).toBe(true);
    return Number(readFileSync(`${working_dir}/pid`, 'utf8'));
  };

  it('is ended by the emergency stop, of this process and of another', async () => {
    const other = await fixture.start();
    const pids = [await begin(gateway, 'here'), await begin(other, 'there')];
    expect((await post(gateway, '/emergency-stop')).body).toEqual({ status: 'emergency_stop_sent' });
    await Promise.all(pids.map((pid) => untilDead(pid)));
    await post(gateway, '/resume');
  });

  it('is ended with its gateway', async () => {
    const other = await fixture.start();
    const pid = await begin(other, 'leaving');
    await other.close();
    await untilDead(pid);
  });

  it('is ended when its gateway is killed', async () => {
    const killed = Program.start('skynet', ['gateway', '--port', '0'], {
      DATABASE_URL: fixture.database.url,
      SKYNET_ALLOWED_ROOTS: fixture.root,
    });
    const pid = await begin({ url: await killed.line(/^OpenClaw gateway: (\S+)/m) }, 'killed');
    await killed.kill('SIGKILL');
    await untilDead(pid);
  });
});
