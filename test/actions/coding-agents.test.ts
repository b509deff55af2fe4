import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ActionsFixture } from './fixture.js';

let fixture: ActionsFixture;
beforeEach(() => {
  fixture = new ActionsFixture({ SKYNET_CODING_AGENT_ENV: 'AGENT_KEY,DATABASE_URL,SKYNET_X,NOT_SET' });
});
afterEach(() => fixture.close());

const PROMPT = '--dangerous\nIt\'s "quoted" $(here) `and` é😀';

describe('a coding agent', () => {
  it.each([
    [
      'codex',
      ['exec', '--sandbox', 'workspace-write', '--skip-git-repo-check', '--color', 'never', '-'],
      `print('Done.')`,
    ],
    [
      'claude',
      ['--print', '--output-format', 'json', '--permission-mode', 'acceptEdits'],
      `print(JSON.stringify({ type: 'result', is_error: false, result: 'Done.' }))`,
    ],
    [
      'cline',
      ['--yolo', '--json', 'Do what standard input says.'],
      `print('{"type":"x"}\\n{"type":"run_result","text":"Done."}\\n')`,
    ],
  ])('%s gets its prompt by standard input and is heard', async (agent, args, script) => {
    const program = fixture.program(agent, script);
    const working_dir = fixture.folder('project');
    const result = await fixture.act('run_coding_agent', { agent, prompt: PROMPT, working_dir });
    expect(result).toEqual({ returncode: 0, stdout: 'Done.', stderr: '' });
    const [call] = program.calls();
    expect(call).toMatchObject({ args, cwd: working_dir, input: PROMPT });
    expect(call?.env).toMatchObject({ AGENT_KEY: 'for the agent', HOME: fixture.home });
    expect(call?.env).not.toHaveProperty('SECRET');
    expect(call?.env).not.toHaveProperty('DATABASE_URL');
  });

  it('openclaw gets it in a file, which is gone afterwards', async () => {
    const openclaw = fixture.program(
      'openclaw',
      `const file = args[args.indexOf('--message-file') + 1];
       print(JSON.stringify({ payloads: [{ text: fs.readFileSync(file, 'utf8') }, { text: String(fs.statSync(file).mode & 0o777) }] }));`,
    );
    const params = { agent: 'openclaw', prompt: PROMPT, timeout_seconds: 90 };
    const { stdout } = await fixture.act('run_coding_agent', params);
    expect(stdout).toBe(`${PROMPT}\n384`);
    const args = openclaw.calls()[0]?.args ?? [];
    expect(args.join(' ')).toMatch(
      /^agent --local --agent main --session-id [0-9a-f-]{36} --message-file \S+ --timeout 90 --json$/,
    );
    expect(openclaw.calls()[0]?.cwd).toBe(fixture.root);
    expect(() => statSync(args[args.indexOf('--message-file') + 1] ?? '')).toThrow('ENOENT');
  });

  it('that says that it failed has failed', async () => {
    fixture.program('claude', `print(JSON.stringify({ is_error: true, result: 'No credit.' }))`);
    expect(await fixture.act('run_coding_agent', { agent: 'claude', prompt: 'x' })).toEqual({
      returncode: 1,
      stdout: 'No credit.',
      stderr: '',
    });
  });

  it('that is unknown or not installed is a result', async () => {
    expect((await fixture.act('run_coding_agent', { agent: 'toString', prompt: 'x' })).stderr).toBe(
      'Unknown agent: toString (known: codex, claude, cline, openclaw)',
    );
    const bin = new ActionsFixture({ SKYNET_CODEX_BIN: '/nowhere/codex' });
    expect(await bin.act('run_coding_agent', { agent: 'codex', prompt: 'x' })).toEqual({
      returncode: 1,
      stdout: '',
      stderr: '/nowhere/codex: spawn /nowhere/codex ENOENT',
    });
    await bin.close();
  });

  it('tells its version when it is asked for all of them', async () => {
    fixture.program('codex', `print('codex-cli 1.2.3\\nmore')`);
    fixture.program('claude', `fs.writeSync(2, 'broken'); process.exitCode = 1;`);
    const bins = new ActionsFixture({
      SKYNET_CLINE_BIN: '/nowhere/cline',
      SKYNET_OPENCLAW_BIN: '/nowhere/x',
    });
    expect((await bins.act('check_coding_agents')).stdout).toMatch(
      /cline: not available \(\/nowhere\/cline: spawn \/nowhere\/cline ENOENT\)\nopenclaw: not available/,
    );
    expect((await fixture.act('check_coding_agents')).stdout.split('\n').slice(0, 2)).toEqual([
      'codex: codex-cli 1.2.3',
      'claude: not available (broken)',
    ]);
    await bins.close();
  });
});

describe('the settings of cline', () => {
  const path = () => join(fixture.home, '.cline/data/settings/providers.json');
  const stored = () => JSON.parse(readFileSync(path(), 'utf8'));

  it('are written for their owner only, without a command line, and keep what was there', async () => {
    const cline = fixture.program('cline');
    const first = { agent: 'cline', provider: 'gemini', model: 'gemini-x', api_key: 'secret-1' };
    const result = await fixture.act('configure_coding_agent', first);
    expect(result).toEqual({
      returncode: 0,
      stdout: `Cline uses gemini from now on (${path()}).`,
      stderr: '',
    });
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    const second = {
      agent: 'cline',
      provider: 'openrouter',
      base_url: 'https://example.org/v1',
      api_key: 'k2',
    };
    await fixture.act('configure_coding_agent', second);
    await fixture.act('configure_coding_agent', { agent: 'cline', provider: 'gemini', model: 'gemini-y' });
    expect(stored()).toEqual({
      version: 1,
      modes: {},
      lastUsedProvider: 'gemini',
      providers: {
        gemini: {
          settings: { provider: 'gemini', model: 'gemini-y', apiKey: 'secret-1' },
          updatedAt: expect.any(String),
          tokenSource: 'manual',
        },
        openrouter: {
          settings: { provider: 'openrouter', baseUrl: 'https://example.org/v1', apiKey: 'k2' },
          updatedAt: expect.any(String),
          tokenSource: 'manual',
        },
      },
    });
    expect(cline.calls()).toEqual([]);
  });

  it('that cannot be read are left alone, and not shown', async () => {
    mkdirSync(join(path(), '..'), { recursive: true });
    writeFileSync(path(), '{"apiKey": "secret-1",');
    const result = await fixture.act('configure_coding_agent', { agent: 'cline', provider: 'gemini' });
    expect(result).toEqual({
      returncode: 1,
      stdout: '',
      stderr: `${path()} is not a JSON object; repair or remove it.`,
    });
    expect(readFileSync(path(), 'utf8')).toBe('{"apiKey": "secret-1",');
  });

  it('are those of cline only', async () => {
    expect((await fixture.act('configure_coding_agent', { agent: 'codex', provider: 'x' })).stderr).toBe(
      "Agent 'codex' cannot be configured; cline can.",
    );
  });
});
