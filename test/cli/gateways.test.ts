import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FakeOpenClaw, TOKEN } from '../openclaw/fake-openclaw.js';
import { ended as taskEnded, startPlane, turn } from '../openclaw/fixture.js';
import { nobodyThere } from '../projects/fixture.js';
import { type TestControlPlane } from '../support/control-plane.js';
import { Program } from '../support/program.js';
import { ScriptableGateway } from '../support/scriptable-gateway.js';
import { type Ended, ended } from './skyclaw/fixture.js';

let claw: FakeOpenClaw;
let ours: ScriptableGateway;
let api: TestControlPlane;
let folder: string;
beforeAll(async () => {
  claw = await FakeOpenClaw.start();
  ours = await ScriptableGateway.start();
  folder = mkdtempSync(join(tmpdir(), 'skynet-gateways-test-'));
  api = await startPlane({ SKYNET_SECRETS_DIR: folder });
});
afterAll(async () => {
  await api.close();
  await claw.kill();
  await ours.close();
  rmSync(folder, { recursive: true, force: true });
});

const gateways = (args: readonly string[], env: Record<string, string> = {}): Promise<Ended> =>
  ended(Program.start('skynet', ['gateways', ...args], { SKYNET_ORCHESTRATOR_URL: api.url, ...env }));

describe('skynet gateways', () => {
  it('registers a real OpenClaw gateway with a credential from a file, which then runs a turn', async () => {
    const token = join(folder, 'token.txt');
    writeFileSync(token, `${TOKEN}\n`);
    const flags = ['--protocol', 'openclaw', '--credential', token];
    expect(await gateways(['register', 'claw', claw.url, ...flags])).toEqual({
      code: 0,
      stdout: `claw at ${claw.url} (openclaw) is online.\n`,
      stderr: '',
    });
    await turn(api, 'first');
    expect((await taskEnded(api, 'first')).status).toBe('succeeded');
  });

  it('has the control plane read the credential itself, and says why a gateway gets no work', async () => {
    writeFileSync(join(folder, 'wrong'), 'not-its-token');
    const flags = ['--protocol', 'openclaw', '--credential-file', 'wrong'];
    const { code, stdout } = await gateways(['register', 'second', claw.url, ...flags]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^second at \S+ \(openclaw\) is degraded: .*AUTH_TOKEN_MISMATCH/);
    expect(stdout).not.toContain('not-its-token');
  });

  it('registers one of ours, with what it can do, and lists all', async () => {
    const flags = ['--capability', 'gpu', '--capability', 'python', '--json'];
    const { stdout } = await gateways(['register', 'ours', ours.url, ...flags]);
    expect(JSON.parse(stdout)).toMatchObject({ protocol: 'skynet', capabilities: ['gpu', 'python'] });
    const table = (await gateways(['list'])).stdout;
    expect(table).toMatch(/^ID +PROTOCOL +STATUS +ADDRESS +VERSION +WHY NOT\n/);
    expect(table).toMatch(/\nours +skynet +online +http/);
    expect(table).toMatch(/\nsecond +openclaw +degraded +.*AUTH_TOKEN_MISMATCH/);
    expect(JSON.parse((await gateways(['list', '--json'])).stdout).gateways).toHaveLength(3);
  });

  it('says what is wrong with a call, and ends with 1', async () => {
    writeFileSync(join(folder, 'empty'), ' \n');
    const wrong = async (...args: string[]) => {
      const { code, stderr } = await gateways(['register', 'x', ...args]);
      expect(code).toBe(1);
      return stderr;
    };
    const openclaw = [claw.url, '--protocol', 'openclaw'];
    expect(await wrong(claw.url, '--protocol', 'other')).toContain('Allowed choices are skynet, openclaw');
    expect(await wrong(...openclaw, '--credential', join(folder, 'none'))).toContain(
      '[skynet] The credential cannot be read: ENOENT',
    );
    expect(await wrong(...openclaw, '--credential', join(folder, 'empty'))).toContain(
      `[skynet] There is no credential in ${join(folder, 'empty')}.`,
    );
    expect(await wrong(...openclaw, '--credential', 'a', '--credential-file', 'b')).toContain(
      'cannot be used with',
    );
    expect(await wrong('http://169.254.169.254')).toContain('[skynet] Invalid gateway host');
    const nobody = await nobodyThere();
    expect(await wrong(claw.url, '--url', nobody)).toContain(
      `The control plane cannot be reached at ${nobody} (connection refused). Check that it runs there (skynet serve)`,
    );
  });
});
