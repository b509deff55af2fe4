import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type RunningGateway } from '../../src/gateway/index.js';
import { isProviderRefusal } from '../../src/gateway/ssh/domain/cline-switch.js';
import { act } from '../gateway/fixture.js';
import { SshFixture } from './fixture.js';
import { leftOut, trouble } from './sshd.js';

it('a provider that refuses is told from a task that fails', () => {
  const end = (returncode: number, stderr: string) => isProviderRefusal({ returncode, stdout: '', stderr });
  expect(end(1, 'HTTP 429 from the provider')).toBe(true);
  expect(end(1, 'Quota exceeded')).toBe(true);
  expect(end(1, 'test 4290 failed')).toBe(false);
  expect(end(0, 'rate limit')).toBe(false);
  expect(end(-1, 'rate limit')).toBe(false);
});

const suite = trouble === undefined ? describe : describe.skip; // Nothing can stand in for a real sshd; the name of the suite says what is missing.

suite(`coding agents over SSH${leftOut}`, () => {
  let fixture: SshFixture;
  let gateway: RunningGateway;
  const folders: string[] = [];
  /** A program on the host that tells its arguments and input, and then does as it is told. */
  const agent = (name: string, end = '') => {
    const file = fixture.gateways.path(name);
    writeFileSync(
      file,
      `#!/bin/sh\necho "$@" >> '${file}.log'\n[ "$1" = --version ] && { echo 1.2.3; exit; }\ncat\n${end}\n`,
    );
    chmodSync(file, 0o755);
    return file;
  };
  /** A folder of a provider in the user's home. */
  const provider = () => {
    const folder = mkdtempSync(join(fixture.sshd.home, '.cline-'));
    folders.push(folder);
    return basename(folder).replace('.cline-', '');
  };

  beforeAll(async () => {
    fixture = await SshFixture.create();
    const [first, second, third] = [provider(), provider(), provider()];
    gateway = await fixture.start({
      env: {
        OPENCLAW_SSH_CODEX_BIN: agent('codex'),
        OPENCLAW_SSH_CLAUDE_BIN: '/not/there/claude',
        OPENCLAW_SSH_OPENCLAW_BIN: '/not/there/openclaw',
        OPENCLAW_SSH_CLINE_BIN: agent(
          'cline',
          `case "$2" in *${second}) exit 0;; esac; echo 'quota' >&2; exit 1`,
        ),
        OPENCLAW_CLINE_PROVIDER_PRIORITY: `absent,${first},${second},${third}`,
      },
    });
  });
  afterAll(async () => {
    await fixture.close();
  });

  it('are found where they are', async () => {
    const { body } = await act(gateway, 'check_coding_agents', {});
    expect(body.result).toEqual({
      returncode: 0,
      stdout:
        'codex: available 1.2.3\nclaude: not available\ncline: available 1.2.3\nopenclaw: not available',
      stderr: '',
    });
  });

  it('get their prompt by standard input, whatever it holds', async () => {
    const prompt = `-x 'do' "it" $(now) \`x\` ‘’ 😀\n${'more '.repeat(50_000)}`;
    mkdirSync(fixture.gateways.path('work'));
    const working_dir = fixture.gateways.path('work');
    const { body } = await act(gateway, 'run_coding_agent', { agent: 'codex', prompt, working_dir });
    expect(body.result).toEqual({ returncode: 0, stdout: prompt.slice(0, 8_192), stderr: '' });
    expect(readFileSync(fixture.gateways.path('codex.log'), 'utf8')).toContain('exec --sandbox');
    const unknown = await act(gateway, 'run_coding_agent', { agent: 'gpt', prompt: 'x' });
    expect(unknown.body.result).toMatchObject({
      returncode: 1,
      stderr: 'Unknown agent: gpt (known: codex, claude, cline, openclaw)',
    });
    expect(
      (await act(gateway, 'run_coding_agent', { agent: 'codex', prompt: 'x', timeout_seconds: '5' })).body
        .error,
    ).toBe("Parameter 'timeout_seconds' must be a whole number from 30 to 3600.");
  });

  it('are configured on the host, for their owner only; what is there and cannot be read is left alone', async () => {
    const configure = async (params: object) =>
      (await act(gateway, 'configure_coding_agent', { agent: 'cline', ...params })).body.result;
    const file = join(fixture.sshd.home, '.cline/data/settings/providers.json');
    const stored = () => JSON.parse(readFileSync(file, 'utf8'));
    expect(await configure({ provider: 'gemini', model: 'x', api_key: 'secret-1' })).toEqual({
      returncode: 0,
      stdout: `Cline uses gemini from now on (${file}).`,
      stderr: '',
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await configure({ provider: 'openrouter', api_key: 'secret-2' });
    await configure({ provider: 'gemini', model: 'y' });
    expect(stored()).toMatchObject({
      lastUsedProvider: 'gemini',
      providers: {
        gemini: { settings: { provider: 'gemini', model: 'y', apiKey: 'secret-1' } },
        openrouter: { settings: { provider: 'openrouter', apiKey: 'secret-2' } },
      },
    });
    writeFileSync(file, '{"apiKey": "secret-1",');
    const stderr = `${file} is not a JSON object; repair or remove it.`;
    expect(await configure({ provider: 'gemini' })).toEqual({ returncode: 1, stdout: '', stderr });
    expect(readFileSync(file, 'utf8')).toBe('{"apiKey": "secret-1",');
    const { body } = await act(gateway, 'configure_coding_agent', { agent: 'codex', provider: 'x' });
    expect(body.result.stderr).toBe("Agent 'codex' cannot be configured; cline can.");
  });

  it('cline goes on with the next provider when one refuses, and no further', async () => {
    rmSync(fixture.gateways.path('cline.log'), { force: true });
    const { body } = await act(gateway, 'run_coding_agent', { agent: 'cline', prompt: 'hello' });
    expect(body.result).toEqual({ returncode: 0, stdout: 'hello', stderr: '' });
    const runs = readFileSync(fixture.gateways.path('cline.log'), 'utf8').trim().split('\n');
    expect(runs).toEqual(
      folders.slice(0, 2).map((folder) => `--config ${folder} --yolo --json Do what standard input says.`),
    );
  });
});
