import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { act } from '../gateway/fixture.js';
import { eventually } from '../support/eventually.js';
import { type Program } from '../support/program.js';
import { AgentFixture, TOKEN } from './fixture.js';

let fixture: AgentFixture;
beforeAll(async () => {
  fixture = await AgentFixture.create();
});
afterEach(() => fixture.endPrograms());
afterAll(() => fixture.close());

/** For the name of a test: nothing can stand in for these programs, so the name says which one is missing. */
const leftOut = (program: string) =>
  spawnSync(program, ['--version']).error === undefined
    ? ''
    : ` (left out: there is no ${program} on this machine)`;
const [withoutOpenssl, withoutScript] = [leftOut('openssl'), leftOut('script')];

const said = (program: Program, text: string) =>
  eventually(`“${text}” is logged`, () => Promise.resolve(program.stderr.includes(text) ? true : undefined));

describe('an agent that cannot start', () => {
  it.each([
    ['no gateway', { SKYNET_GATEWAY_URL: '' }, 'Set SKYNET_GATEWAY_URL'],
    [
      'only the HTTP address of a gateway',
      { SKYNET_GATEWAY_URL: '', OPENCLAW_GATEWAY_URL: 'http://localhost:8766' },
      'Set SKYNET_GATEWAY_URL',
    ],
    ['an address that is none', { SKYNET_GATEWAY_URL: 'localhost' }, 'wss://gateway.example'],
    ['a password in the address', { SKYNET_GATEWAY_URL: 'ws://a:b@localhost' }, 'without a user or password'],
    ['no token', { SKYNET_AUTH_TOKEN: '' }, 'Set SKYNET_AUTH_TOKEN'],
    ['a CA that is not there', { SKYNET_TLS_CA: '/nowhere' }, 'SKYNET_TLS_CA cannot be read'],
    ['a folder that cannot be', { SKYNET_AGENT_STATE_DIR: '/dev/null/x' }, 'SKYNET_AGENT_STATE_DIR'],
  ])('says why in one line: %s', async (_what, env, text) => {
    const agent = fixture.startAgent(env);
    expect(await agent.exit()).toBe(1);
    expect(agent.stderr).toContain(text);
    expect(agent.stderr).not.toMatch(/\n {4}at /);
  });

  it('since another one has its state folder, names it', async () => {
    const first = fixture.startAgent();
    await first.line(/Agent: (\S+)/);
    const second = fixture.startAgent();
    expect(await second.exit()).toBe(1);
    expect(second.stderr).toContain(`Another agent (process ${first.child.pid ?? 0}) uses`);
  });
});

describe('an agent', () => {
  it('takes OPENCLAW names, and goes on trying while no gateway is there', async () => {
    const agent = fixture.startAgent({
      SKYNET_GATEWAY_URL: '',
      OPENCLAW_GATEWAY_URL: `ws://127.0.0.1:${fixture.socketPort}`,
      SKYNET_AUTH_TOKEN: '',
      OPENCLAW_AUTH_TOKEN: TOKEN,
      SKYNET_ALLOWED_ROOTS: '',
      OPENCLAW_ALLOWED_ROOTS: fixture.root,
    });
    await said(agent, 'Connecting again after a pause.');
    await fixture.startGateway();
    await agent.line(/(Connected) to/);
    expect((await act(fixture, 'list_directory', { directory: fixture.root })).body.status).toBe('success');
  });

  it('whose token is wrong says so, and so does one that comes second', async () => {
    await fixture.startGateway();
    const wrong = fixture.startAgent({ SKYNET_AUTH_TOKEN: 'wrong' });
    await said(wrong, 'The gateway refuses the token.');
    await wrong.kill('SIGTERM');
    await fixture.startConnectedAgent();
    const second = fixture.startAgent({ SKYNET_AGENT_STATE_DIR: join(fixture.states, 'two') });
    await said(second, 'Another agent is connected to this gateway');
    expect(await fixture.sessions()).toHaveLength(1);
  });

  it('keeps its id, and its memory, over a restart', async () => {
    await fixture.startGateway();
    const agent = await fixture.startConnectedAgent();
    const id = await agent.line(/Agent: (\S+)/);
    expect(await agent.kill('SIGTERM')).toBe(0);
    expect(await fixture.startAgent().line(/Agent: (\S+)/)).toBe(id);
  });
});

describe('a gateway without a token for agents', () => {
  it('starts, takes none, and says so', async () => {
    const { program } = await fixture.startGateway({ SKYNET_AUTH_TOKEN: '' });
    await program.line(/(No agent can connect: set SKYNET_AUTH_TOKEN)/);
    await said(fixture.startAgent(), 'The connection to the gateway failed.');
  });
});

const withTls = withoutOpenssl === '' ? describe : describe.skip; // Node.js makes no certificates; the name says that openssl is missing.
withTls(`TLS${withoutOpenssl}`, () => {
  const certificate = (name: string, subject: string) => {
    const [cert, key] = [join(fixture.states, `${name}.pem`), join(fixture.states, `${name}.key`)];
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
        ...['-subj', `/CN=${name}`, '-addext', `subjectAltName=${subject}`, '-keyout', key, '-out', cert],
      ],
      { stdio: 'ignore' },
    );
    return { cert, key };
  };
  const url = () => `wss://127.0.0.1:${fixture.socketPort}/agent/ws`;

  it('is used with a certificate, which the agent verifies unless it is told not to', async () => {
    const ours = certificate('ours', 'IP:127.0.0.1');
    const others = certificate('others', 'IP:127.0.0.1');
    const { program } = await fixture.startGateway({
      SKYNET_TLS_CERT: ours.cert,
      SKYNET_TLS_KEY: ours.key,
    });
    await program.line(/(Agents connect to wss:)/);
    for (const env of [{}, { SKYNET_TLS_CA: others.cert }]) {
      const agent = fixture.startAgent({ SKYNET_GATEWAY_URL: url(), ...env });
      await said(agent, 'self-signed certificate');
      await agent.kill('SIGTERM');
    }
    for (const env of [{ SKYNET_TLS_CA: ours.cert }, { OPENCLAW_TLS_INSECURE: '1' }]) {
      const agent = fixture.startAgent({ SKYNET_GATEWAY_URL: url(), ...env });
      await agent.line(/(Connected) to/);
      await agent.kill('SIGTERM');
    }
  }, 60_000);

  it('with a certificate of another name is refused', async () => {
    const other = certificate('elsewhere', 'DNS:elsewhere.example');
    await fixture.startGateway({ SKYNET_TLS_CERT: other.cert, SKYNET_TLS_KEY: other.key });
    const agent = fixture.startAgent({ SKYNET_GATEWAY_URL: url(), SKYNET_TLS_CA: other.cert });
    await said(agent, "does not match certificate's altnames");
  });

  it('with what is no certificate ends the start', async () => {
    const { key } = certificate('broken', 'IP:127.0.0.1');
    await expect(fixture.startGateway({ SKYNET_TLS_CERT: key, SKYNET_TLS_KEY: key })).rejects.toThrow(
      'SKYNET_TLS_CERT and SKYNET_TLS_KEY cannot be used',
    );
  });
});

const withTerminal = withoutScript === '' ? describe : describe.skip; // Node.js opens no terminals; the name says that script is missing.
withTerminal(`confirmation at a terminal${withoutScript}`, () => {
  it('is asked for what comes without, and only a yes after the question counts', async () => {
    await fixture.startGateway();
    // `script` gives it a terminal.
    const child = spawn('script', ['-qefc', `${process.execPath} bin/skynet agent`, '/dev/null'], {
      env: { PATH: process.env['PATH'] ?? '', ...fixture.agentEnv() },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    try {
      let shown = '';
      child.stdout.on('data', (chunk: Buffer) => (shown += chunk.toString()));
      const asked = (times: number) =>
        eventually('the operator is asked', () =>
          Promise.resolve(shown.split('Run it?').length > times ? true : undefined),
        );
      await fixture.untilConnected();
      const write = (name: string) =>
        act(
          fixture,
          'file_write',
          { file: join(fixture.root, name), content: 'x\u001b[2J' },
          { confirmed: false },
        );
      // Typed before anybody asked: no answer to anything.
      child.stdin.write('y\n');
      const first = write('first.txt');
      await asked(1);
      expect(shown).toContain('The gateway asks for: file_write');
      expect(shown).toContain('content: "x\\u001b[2J"');
      child.stdin.write('n\n');
      expect((await first).body.error).toBe('Operator denied the action.');
      const second = write('second.txt');
      await asked(2);
      child.stdin.write('yes\n');
      expect((await second).body.status).toBe('success');
      expect(readFileSync(join(fixture.root, 'second.txt'), 'utf8')).toBe('x\u001b[2J');
      expect(existsSync(join(fixture.root, 'first.txt'))).toBe(false);
    } finally {
      const gone = once(child, 'close');
      child.kill('SIGTERM');
      await gone;
    }
  });
});
