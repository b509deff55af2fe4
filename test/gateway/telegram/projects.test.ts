import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { gatewayConfig, type RunningGateway } from '../../../src/gateway/index.js';
import { Env } from '../../../src/platform/config/env.js';
import { eventually } from '../../support/eventually.js';
import { StubProvider } from '../../support/stub-provider.js';
import { type Json } from '../../support/json.js';
import { act, GatewayFixture } from '../fixture.js';
import { BOT_TOKEN, BotApi } from './bot-api.js';

let fixture: GatewayFixture;
let provider: StubProvider;
let api: BotApi;
let gateway: RunningGateway | undefined;
beforeAll(async () => {
  fixture = await GatewayFixture.create();
  provider = await StubProvider.start();
});
afterAll(async () => {
  await fixture.close();
  await provider.close();
});
beforeEach(async () => (api = await BotApi.start()));
afterEach(async () => {
  await gateway?.close();
  await api.close();
});

const settings = () => ({
  TELEGRAM_BOT_TOKEN: BOT_TOKEN,
  TELEGRAM_ALLOWED_USER_ID: '7',
  TELEGRAM_API_BASE: api.url,
  SKYNET_PROJECT_BASE_DIR: fixture.root,
  SKYNET_ALLOWED_ROOTS: fixture.root,
  AUTO_CREATE_GITHUB_REPO: '0',
  AUTO_APPROVE_AND_START: '0',
  AI_PROVIDER_PRIORITY: 'groq',
  GROQ_API_KEY: 'stub',
  GROQ_BASE_URL: provider.url,
});
/** Asks `gitApprovalMs` for what leaves the machine. */
async function start(env: Record<string, string> = {}, gitApprovalMs = 300_000): Promise<RunningGateway> {
  const all = { ...settings(), ...env };
  const { projects } = gatewayConfig(new Env(all));
  gateway = await fixture.start({ env: all, config: { projects: { ...projects, gitApprovalMs } } });
  return gateway;
}

const PLAN = JSON.stringify({
  summary: 'One file.',
  milestones: [
    {
      name: 'Core',
      tasks: [
        { id: 'a', title: 'Write it', action: 'file_write', params: { file: 'a.txt', content: 'a' } },
        { id: 'b', title: 'Push it', action: 'git_push', params: {}, dependencies: ['a'] },
      ],
    },
  ],
});

describe('projects over Telegram', () => {
  it('are made, fed with ideas, planned and approved by a button', async () => {
    await start();
    expect(await api.ask('/newproject')).toBe('What is it called? /newproject <name>');
    expect(await api.ask('/newproject Over Telegram\nSays hello\nto all')).toMatch(
      /^over-telegram: ideation, waits for ideas\nIdeas: 0\nFolder: directory: ok; readme: ok/,
    );
    expect(existsSync(fixture.path('over-telegram'))).toBe(true);
    const shown = await fetch(`${gateway?.url}/projects/over-telegram`);
    const { project } = (await shown.json()) as Json;
    expect(project.description).toBe('Says hello\nto all');
    expect(await api.ask('/newproject over telegram')).toBe("Project 'over-telegram' already exists.");
    expect(await api.ask('/idea over-telegram')).toContain('Which idea');
    expect(await api.ask('/idea nothing it')).toBe("Project 'nothing' not found.");
    expect(await api.ask('/plan over-telegram')).toBe("Project 'over-telegram' has no ideas to plan from.");
    expect(await api.ask('/idea over-telegram a file\nwith a letter')).toContain('Ideas: 1');
    provider.answersWith(PLAN);
    expect(await api.ask('/plan over-telegram')).toBe(
      'Plan of over-telegram: One file.\n\nCore\n- Write it (file_write)\n- Push it (git_push)\n\nApprove this plan?',
    );
    api.presses('Deny');
    expect((await api.answer(api.texts().length + 1)).text).toBe('Denied.');
    // It goes on waiting, and asks again when it is looked at.
    expect(await api.ask('/status over-telegram')).toContain('Approve this plan?');
    const count = api.texts().length + 1;
    api.presses('Approve');
    expect((await api.answer(count)).text).toMatch(/^over-telegram: (approved|coding)/);
    expect(await api.ask('/pause over-telegram')).toMatch(/^over-telegram: paused, waits for resume/);
    expect(await api.ask('/resume_project over-telegram')).toMatch(/^over-telegram: (approved|coding)/);
    expect(await api.ask('/projects')).toMatch(/^over-telegram: (approved|coding)/);
    expect(await api.ask('/removeproject over-telegram')).toContain('Forget project over-telegram?');
    const refused = api.texts().length + 1;
    api.presses('Approve');
    expect((await api.answer(refused)).text).toContain('cancel it before you remove it');
    expect(await api.ask('/cancel over-telegram')).toMatch(/^over-telegram: cancelled/);
    expect(await api.ask('/cancel over-telegram')).toContain('cannot be cancelled');
  });

  it('are forgotten after a yes, and their folder stays', async () => {
    await start();
    await api.ask('/newproject Short');
    expect(await api.ask('/removeproject short')).toBe(
      `Forget project short? Its folder ${fixture.path('short')} stays.`,
    );
    const count = api.texts().length + 1;
    api.presses('Approve');
    expect((await api.answer(count)).text).toBe('Project short is forgotten.');
    expect(existsSync(fixture.path('short'))).toBe(true);
    expect(await api.ask('/status short')).toBe("Project 'short' not found.");
    expect(await api.ask('/status')).toBe('Which project? /status <project>');
  });

  it('say when no plan could be had', async () => {
    await start();
    await api.ask('/newproject Planless');
    await api.ask('/idea planless something');
    provider.answersWith('no plan', 'no plan');
    expect(await api.ask('/plan planless')).toMatch(
      /^planless: ideation, waits for ideas[^]*Trouble: The plan was/,
    );
  });
});

describe('how the gateway is', () => {
  it('is told: quotas, components, jobs', async () => {
    const at = await start();
    await eventually('it has looked, and knows its jobs', async () => {
      const [sentinel, jobs] = await Promise.all(
        ['sentinel', 'heartbeats'].map(async (path) => (await fetch(`${at.url}/${path}`)).json() as Json),
      );
      return sentinel.looked_at !== null && jobs.heartbeats.length > 0 ? true : undefined;
    });
    expect(await api.ask('/quota')).toMatch(/groq: today \d+\/14400, this minute \d+\/30/);
    expect(await api.ask('/sentinel')).toMatch(/chathan_worker: up[^]*s3_storage: not_configured/);
    expect(await api.ask('/heartbeat')).toMatch(
      /^health_check: next [\d-]+ [\d:]+ UTC; not done yet\nmemory_sync: /,
    );
  });
});

describe('what leaves the machine', () => {
  const OFF = { AUTO_APPROVE_GIT_ACTIONS: '0' };
  /** A folder with a commit, and a place to push it to. */
  const repository = () => {
    const folder = fixture.path('pushes');
    if (existsSync(folder)) return folder;
    mkdirSync(folder);
    const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, stdio: 'ignore' });
    const me = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org'];
    git('init', '-b', 'main');
    git(...me, 'commit', '--allow-empty', '-m', 'first');
    git('init', '--bare', fixture.path('origin.git'));
    git('remote', 'add', 'origin', fixture.path('origin.git'));
    return folder;
  };
  /** The branches that have arrived there. */
  const pushed = () => readdirSync(fixture.path('origin.git/refs/heads'));
  afterEach(() => {
    for (const name of ['pushes', 'origin.git']) rmSync(fixture.path(name), { recursive: true, force: true });
  });
  let keys = 0;
  const push = (at: RunningGateway, task_id = 'project_0123456789ab-task-1', key = `key-${++keys}`) =>
    act(at, 'git_push', { working_dir: repository() }, { task_id, idempotency_key: key });

  it('is asked for, and done after a yes', async () => {
    const at = await start(OFF);
    const pushing = push(at);
    const { text } = await api.answer(1);
    expect(text).toBe(
      `May a project run git_push in ${fixture.path('pushes')}?\n\nTask: project_0123456789ab-task-1`,
    );
    api.presses('Approve');
    expect((await pushing).body).toMatchObject({ status: 'success', result: { returncode: 0 } });
    expect(pushed()).toEqual(['main']);
    expect((await api.answer(2)).text).toBe('Approved.');
  });

  it('is denied by a word, and the key is never asked for again', async () => {
    const at = await start(OFF);
    const pushing = push(at, undefined, 'denied');
    await api.answer(1);
    api.presses('Deny');
    const error = 'git_push was denied over Telegram.';
    expect((await pushing).body).toMatchObject({ status: 'error', error });
    await api.answer(2);
    expect((await push(at, undefined, 'denied')).body).toMatchObject({ status: 'error', error });
    expect(api.texts()).toHaveLength(2);
    expect(pushed()).toEqual([]);
  });

  it('is denied when nobody answers in time', async () => {
    const at = await start(OFF, 200);
    expect((await push(at)).body.error).toMatch(
      /^git_push was denied: nobody approved it over Telegram within/,
    );
    const late = api.texts().at(-1)?.reply_markup.inline_keyboard[0][0].callback_data as string;
    api.pressesData(late);
    await eventually('it is told', () =>
      Promise.resolve(
        api.of('answerCallbackQuery').find(({ text }) => text === 'This question is no longer open.'),
      ),
    );
  });

  it('is denied at once without a bot, and no repository is made', async () => {
    const at = await start({ ...OFF, DISABLE_TELEGRAM_BOT: '1', AUTO_CREATE_GITHUB_REPO: '1' });
    expect((await push(at)).body.error).toBe(
      'git_push was denied: AUTO_APPROVE_GIT_ACTIONS is 0, and this gateway has no Telegram bot to ask.',
    );
    const made = await fetch(`${at.url}/projects`, {
      method: 'POST',
      body: JSON.stringify({ name: 'Private' }),
    });
    const { project } = (await made.json()) as Json;
    expect(project.bootstrap_summary).toContain('github: warning (gh_create_repo was denied: ');
  });

  it('is not asked about for callers who are no projects', async () => {
    const at = await start(OFF);
    expect((await push(at, 'my-task')).body.result.returncode).toBe(0);
    expect((await act(at, 'git_push', { working_dir: repository() })).body.result.returncode).toBe(0);
    expect(api.texts()).toEqual([]);
  });
});
