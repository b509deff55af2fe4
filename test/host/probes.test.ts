import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { HostFixture } from './fixture.js';

let fixture: HostFixture;
beforeEach(async () => {
  fixture = await HostFixture.create();
});
afterEach(() => fixture.close());

const start = (probes: string, env: Record<string, string> = {}) => {
  writeFileSync(fixture.path('probes.yaml'), probes);
  return fixture.startAndRegister({
    SKYCLAW_CAPABILITIES: 'shell,gpu',
    SKYCLAW_CAPABILITY_PROBES: fixture.path('probes.yaml'),
    SKYCLAW_CAPABILITY_PROBE_MS: '100',
    ...env,
  });
};

it('a capability is offered only while all that its probe asks for holds, and changes are told', async () => {
  const { coordinator } = fixture;
  await start(
    `
trading:
  env: [RPC_URL]
  files: [${fixture.path('abis')}]
  command: [sh, -c, 'test "$RPC_URL" = http://rpc']
unset: { env: [NOT_SET_ANYWHERE] }
failing: { command: ['false'] }
absent: { command: [not-on-this-machine] }
gpu: { files: [/nowhere] }
`,
    { RPC_URL: 'http://rpc' },
  );
  expect(coordinator.registrations[0]?.capabilities).toEqual(['shell']);
  writeFileSync(fixture.path('abis'), '');
  await coordinator.heartbeat((body) => body.capabilities?.join() === 'shell,trading');
  const told = performance.now();
  await coordinator.heartbeat((body) => body.capabilities === undefined, told);
  rmSync(fixture.path('abis'));
  await coordinator.heartbeat((body) => body.capabilities?.join() === 'shell', told);
});

it('a probe is given no token and none of the secrets of the daemon', async () => {
  await start(`leak: { command: [sh, -c, 'env > ${fixture.path('seen')}'] }`, {
    SKYCLAW_TOKEN: 'secret-token',
    OTHER: 'secret-other',
  });
  // Each probe writes it anew.
  const seen = await eventually('a probe has written it', () => {
    const text = readFileSync(fixture.path('seen'), 'utf8');
    return Promise.resolve(text.includes('PATH=') ? text : undefined);
  });
  expect(seen).not.toContain('secret');
});

it('a file of probes that cannot be used is refused with the reason', async () => {
  writeFileSync(fixture.path('probes.yaml'), 'a: { comand: [x] }');
  const program = fixture.start({ SKYCLAW_CAPABILITY_PROBES: fixture.path('probes.yaml') });
  expect(await program.exit()).toBe(1);
  expect(program.stderr).toContain('a has comand; it knows command, files and env');
});
