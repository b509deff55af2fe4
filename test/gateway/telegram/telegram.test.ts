import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Env } from '../../../src/platform/config/env.js';
import { type RunningGateway } from '../../../src/gateway/index.js';
import { telegramConfig } from '../../../src/gateway/telegram/index.js';
import { eventually } from '../../support/eventually.js';
import { Program } from '../../support/program.js';
import { act, GatewayFixture } from '../fixture.js';
import { BOT_TOKEN, BotApi } from './bot-api.js';

let fixture: GatewayFixture;
let api: BotApi;
beforeAll(async () => (fixture = await GatewayFixture.create()));
afterAll(() => fixture.close());
beforeEach(async () => (api = await BotApi.start()));
afterEach(async () => {
  await Promise.all(gateways.map((gateway) => gateway.close()));
  gateways = [];
  await api.close();
});

const settings = () => ({
  TELEGRAM_BOT_TOKEN: BOT_TOKEN,
  TELEGRAM_ALLOWED_USER_ID: '7',
  TELEGRAM_API_BASE: `${api.url}/`,
});
let gateways: RunningGateway[] = [];
async function start(env: Record<string, string> = {}): Promise<RunningGateway> {
  const gateway = await fixture.start({ env: { ...settings(), ...env } });
  gateways.push(gateway);
  return gateway;
}

const answer = (count: number) => api.answer(count);
const ask = (text: string) => api.ask(text);

describe('the bot', () => {
  it('says who executes actions, in the words of the contract', async () => {
    const gateway = await start();
    expect(await ask('/agent_status')).toBe('Execution: Worker Connected');
    expect(await ask('/Agent_Status@a_bot')).toBe('Execution: Worker Connected');
    await gateway.close();
    await start({ SKYNET_ALLOWED_ROOTS: ',' });
    expect(await ask('/agent_status')).toBe('Execution: No worker and no SSH fallback');
  });

  it('answers nobody else, and no text that is no command', async () => {
    await start();
    api.says('/agent_status', 8);
    api.pressesData('approve:x', 8);
    api.says('hello');
    expect(await ask('/agent_status')).toContain('Worker Connected');
    expect(api.texts()).toHaveLength(1);
    expect(api.texts()[0].chat_id).toBe(7);
    expect(api.of('answerCallbackQuery')).toEqual([]);
  });

  it('lists its commands for one that it does not know', async () => {
    await start();
    const help = await ask('/help');
    const names = [
      'agent_status',
      'agents',
      'skills',
      'git_status',
      'run_tests',
      'lint',
      'build',
      'run_agent',
    ];
    const others = [
      ...['newproject', 'idea', 'plan', 'projects', 'status', 'pause', 'resume_project', 'cancel'],
      ...['removeproject', 'quota', 'sentinel', 'heartbeat', 'emergency_stop', 'resume'],
    ];
    for (const name of [...names, ...others]) expect(help).toContain(`/${name} `);
  });

  it('runs actions in a folder, cut to what a message holds, and says why not', async () => {
    await start();
    mkdirSync(fixture.path('repository'), { recursive: true });
    expect(await ask('/git_status')).toBe('Which folder? /git_status <folder>');
    expect(await ask('/git_status /etc')).toContain('is outside allowed roots');
    expect(await ask(`/git_status ${fixture.path('repository')}`)).toMatch(/^git_status: returncode \d+/);
    const noisy = fixture.path('noisy');
    mkdirSync(noisy);
    writeFileSync(
      `${noisy}/a.test.mjs`,
      `import test from 'node:test'; test('x', () => console.log('y'.repeat(7000)));`,
    );
    const long = await ask(`/run_tests ${noisy} node`);
    expect(long.length).toBeLessThanOrEqual(4_002);
    expect(long).toMatch(/…$/);
    expect(await ask('/agents')).toContain('file_read');
    expect(await ask('/skills')).toBe('There are none.');
  });

  it('asks before what needs a yes, and does it once', async () => {
    await start();
    expect(await ask(`/run_agent codex ${fixture.root}`)).toContain('What should it do?');
    expect(await ask(`/run_agent codex ${fixture.root} Fix  the tests`)).toBe(
      `Run codex in ${fixture.root}?\n\nFix  the tests`,
    );
    const approve = api.texts().at(-1)?.reply_markup.inline_keyboard[0][0].callback_data as string;
    api.presses('Approve');
    const outcome = (await answer(3)).text as string;
    expect(outcome).not.toBe('');
    expect(outcome).not.toContain('Confirmation required');
    expect(api.of('editMessageReplyMarkup')).toHaveLength(1);
    // The same button again, as a redelivered update would press it.
    api.pressesData(approve);
    await eventually('it is told', () =>
      Promise.resolve(
        api.of('answerCallbackQuery').find(({ text }) => text === 'This question is no longer open.'),
      ),
    );
    expect(await ask(`/run_agent codex ${fixture.root} again`)).toContain('again');
    api.presses('Deny');
    expect((await answer(5)).text).toBe('Denied.');
  });

  it('stops everything while a command runs, and takes actions again', async () => {
    const gateway = await start();
    const slow = fixture.slowTest('telegram-stop');
    api.says(`/run_tests ${slow.folder} node`);
    await slow.started();
    api.says('/emergency_stop');
    const texts = [(await answer(1)).text, (await answer(2)).text] as string[];
    expect(texts).toContain('emergency_stop_sent');
    expect(texts.join()).toContain('killed by the emergency stop');
    expect((await act(gateway, 'list_directory', { directory: fixture.root })).body.status).toBe('error');
    expect(await ask('/resume')).toBe('resume_sent');
    expect((await act(gateway, 'list_directory', { directory: fixture.root })).body.status).toBe('success');
  });
});

describe('a gateway with a bot', () => {
  const program = (env: Record<string, string>) =>
    Program.start('skynet', ['gateway'], {
      DATABASE_URL: fixture.database.url,
      SKYNET_HTTP_PORT: '0',
      SKYNET_ALLOWED_ROOTS: fixture.root,
      ...settings(),
      ...env,
    });

  it('serves and ends in time while Telegram is away or refuses its token, which nobody is told', async () => {
    for (const env of [{ TELEGRAM_BOT_TOKEN: '1:hunter2' }, { TELEGRAM_API_BASE: 'http://127.0.0.1:1' }]) {
      const gateway = program({ TELEGRAM_BOT_TOKEN: '1:hunter2', SKYNET_LOG_LEVEL: 'DEBUG', ...env });
      const url = await gateway.line(/OpenClaw gateway: (\S+)/);
      expect((await fetch(`${url}/status`)).status).toBe(200);
      if (!('TELEGRAM_API_BASE' in env)) {
        await eventually('it is told', () =>
          Promise.resolve(
            gateway.stderr.includes('does not listen; trying again: 401 Unauthorized') || undefined,
          ),
        );
      }
      expect(await gateway.kill('SIGTERM')).toBe(0);
      expect(gateway.stdout + gateway.stderr).not.toContain('hunter2');
    }
  });

  it('runs without it when it is switched off, or the one or other setting is missing', () => {
    const config = (env: Record<string, string>) => telegramConfig(new Env({ ...settings(), ...env }));
    expect(config({})).toEqual({ token: BOT_TOKEN, allowedUserId: 7, apiBase: api.url });
    expect(config({ DISABLE_TELEGRAM_BOT: '1' })).toBeUndefined();
    expect(config({ TELEGRAM_BOT_TOKEN: '' })).toBeUndefined();
    const env = new Env({ TELEGRAM_BOT_TOKEN: BOT_TOKEN, TELEGRAM_ALLOWED_USER_ID: '@me' });
    expect(telegramConfig(env)).toBeUndefined();
    expect(env.warnings).toEqual([
      'TELEGRAM_ALLOWED_USER_ID should be the number of a user; it is ignored.',
      'TELEGRAM_BOT_TOKEN should be set together with TELEGRAM_ALLOWED_USER_ID; it is ignored.',
    ]);
  });
});
