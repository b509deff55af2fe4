import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { providerNames } from '../../src/gateway/providers/domain/catalogue.js';
import { type ProvidersError, type TaskType } from '../../src/gateway/providers/index.js';
import { hello, HOUR, MINUTE, ProvidersFixture, SECOND } from './fixture.js';

let fixture: ProvidersFixture;

beforeEach(async () => {
  fixture = await ProvidersFixture.create();
});
afterEach(() => fixture.close());

const NONE = 'No AI providers available — all quotas exhausted or in cooldown.';

describe('a request is answered', () => {
  it('by the first provider of the priority, and by the next when it fails', async () => {
    const models = await fixture.start();
    expect(await models.complete(hello)).toMatchObject({
      provider: 'gemini',
      model: 'gemini-2.0-flash',
      text: 'gemini says hello.',
      toolCalls: [],
      usage: { inputTokens: 19, outputTokens: 10 },
    });
    for (const name of providerNames.slice(0, -1)) fixture.stub.fails(name, 500);
    expect(await models.complete(hello)).toMatchObject({ provider: 'ollama', model: 'qwen2.5-coder:7b' });
    expect([...new Set(fixture.stub.asked().slice(1))]).toEqual(providerNames);
  });

  it('in the order that is configured; those that it leaves out follow', async () => {
    const models = await fixture.start({ env: { AI_PROVIDER_PRIORITY: 'claude; openai' } });
    fixture.stub.fails('claude', 503);
    fixture.stub.fails('openai', 503);
    expect(await models.complete(hello)).toMatchObject({ provider: 'gemini' });
    expect(fixture.stub.asked()).toEqual(['claude', 'openai', 'gemini']);
  });

  it.each<[TaskType, readonly string[]]>([
    ['scaffold', ['ollama', 'gemini', 'groq']],
    ['crud', ['ollama', 'gemini', 'groq']],
    ['boilerplate', ['ollama', 'gemini', 'groq']],
    ['fast_patch', ['groq', 'ollama', 'gemini']],
    ['unit_test', ['groq', 'ollama', 'gemini']],
    ['planning', ['gemini', 'ollama', 'groq']],
    ['readme_polish', ['gemini', 'groq', 'openrouter']],
    ['hard_debug', ['deepseek', 'claude', 'gemini']],
    ['complex_refactor', ['ollama', 'claude', 'gemini']],
    ['general', ['gemini', 'groq', 'openrouter']],
  ])('of type %s by those that are best at it', async (taskType, [first = '', second = '', third]) => {
    const models = await fixture.start();
    fixture.stub.fails(first as 'groq', 503);
    fixture.stub.fails(second as 'groq', 503);
    const answer = await models.complete({ ...hello, taskType });
    // OpenRouter tries all of its models.
    expect([...new Set(fixture.stub.asked())]).toEqual([first, second, third].slice(0, 3));
    expect(answer.provider).toBe(third);
  });

  it('by whom it prefers, and else by the others; by one model only when it names that', async () => {
    const models = await fixture.start();
    expect(await models.complete({ ...hello, model: 'claude' })).toMatchObject({ provider: 'claude' });
    fixture.stub.fails('claude', 529);
    expect(await models.complete({ ...hello, model: 'claude' })).toMatchObject({ provider: 'gemini' });
    expect(await models.complete({ ...hello, model: 'groq/my/model:7b' })).toMatchObject({
      provider: 'groq',
      model: 'my/model:7b',
    });
    await expect(models.complete({ ...hello, model: 'claude/claude-x' })).rejects.toMatchObject({
      kind: 'failed',
      message: 'All AI providers failed. Last error: claude: HTTP 529: It says 529.',
    });
    for (const model of ['gpt-4', 'nobody/x', '']) {
      await expect(models.complete({ ...hello, model })).rejects.toMatchObject({ kind: 'unknown-model' });
    }
  });

  it('by nobody whose context is too small', async () => {
    const models = await fixture.start({ providers: ['deepseek', 'claude'] });
    const long = { messages: [{ role: 'user', content: 'four'.repeat(70_000) }] } as const;
    expect(await models.complete(long)).toMatchObject({ provider: 'claude' });
    await expect(models.complete({ ...long, maxTokens: 200_000 })).rejects.toMatchObject({
      kind: 'too-long',
      message: expect.stringMatching(/^No AI providers available — the request has about 270\d\d\d tokens/),
    });
    expect(fixture.stub.asked()).toEqual(['claude']);
  });

  it('by gemini only in its mode, and by nobody when nobody is configured', async () => {
    const gemini = await fixture.start({ env: { GEMINI_ONLY_MODE: '1' } });
    fixture.stub.fails('gemini', 500);
    await expect(gemini.complete(hello)).rejects.toMatchObject({ kind: 'failed' });
    expect(fixture.stub.asked()).toEqual(['gemini']);
    const none = await fixture.start({ providers: [] });
    await expect(none.complete(hello)).rejects.toMatchObject({ kind: 'unavailable', message: NONE });
  });
});

describe('a provider', () => {
  it('rests for 300 s after a second 429 within 10 minutes', async () => {
    const models = await fixture.start({ providers: ['gemini'] });
    const outcome = () =>
      models.complete(hello).then(
        () => 'answered',
        (error: unknown) => (error as ProvidersError).kind,
      );
    fixture.stub.fails('gemini', 429);
    expect(await outcome()).toBe('failed');
    fixture.pass(10 * MINUTE + 1);
    // The first is too old to count.
    expect(await outcome()).toBe('failed');
    expect(await outcome()).toBe('failed');
    fixture.stub.says('gemini', { text: 'Well again.' });
    await expect(models.complete(hello)).rejects.toMatchObject({ message: NONE, retryAfterSeconds: 300 });
    fixture.pass(300 * SECOND - 1);
    expect(await outcome()).toBe('unavailable');
    fixture.pass(1);
    expect(await outcome()).toBe('answered');
    expect(fixture.stub.asked('gemini')).toHaveLength(4);
  });

  it('has its 429s forgotten by a success', async () => {
    const models = await fixture.start({ providers: ['gemini', 'groq'] });
    for (const status of [429, 200, 429, 200]) {
      if (status === 429) fixture.stub.fails('gemini', 429);
      else fixture.stub.says('gemini', { text: 'Fine.' });
      await models.complete(hello);
    }
    expect(fixture.stub.asked('gemini')).toHaveLength(4);
  });

  it.each([401, 403])('that answers %i is skipped', async (status) => {
    const models = await fixture.start({ providers: ['openrouter', 'groq'] });
    fixture.stub.fails('openrouter', status);
    expect(await models.complete({ ...hello, model: 'openrouter' })).toMatchObject({ provider: 'groq' });
    expect(fixture.stub.asked('openrouter')).toHaveLength(1);
  });

  it.each(['gemini', 'openrouter', 'claude', 'ollama'] as const)(
    '%s that finds the request wrong ends it at once, and is none the worse for it',
    async (name) => {
      const models = await fixture.start();
      fixture.stub.fails(name, 400);
      for (let round = 0; round < 4; round++) {
        await expect(models.complete({ ...hello, model: name })).rejects.toMatchObject({
          kind: 'refused',
          lastStatus: 400,
          message: `All AI providers failed. Last error: ${name}: HTTP 400: It says 400.`,
        });
      }
      expect(new Set(fixture.stub.asked())).toEqual(new Set([name]));
      fixture.stub.says(name, { text: 'Right.' });
      expect(await models.complete({ ...hello, model: name })).toMatchObject({ provider: name });
    },
  );

  it('comes last for an hour after three errors in a row', async () => {
    const models = await fixture.start({ providers: ['gemini', 'groq'] });
    fixture.stub.fails('gemini', 500);
    for (let round = 0; round < 3; round++) await models.complete(hello);
    fixture.stub.says('gemini', { text: 'Well again.' });
    expect(await models.complete({ ...hello, model: 'gemini' })).toMatchObject({ provider: 'groq' });
    fixture.stub.fails('groq', 500);
    expect(await models.complete(hello)).toMatchObject({ provider: 'gemini' });
    fixture.pass(HOUR - 1);
    expect(fixture.stub.asked().at(-2)).toBe('groq');
    fixture.stub.says('groq', { text: 'Fine.' });
    expect(await models.complete(hello)).toMatchObject({ provider: 'groq' });
    fixture.pass(1);
    expect(await models.complete(hello)).toMatchObject({ provider: 'gemini' });
  });

  it('is judged by status: words of limits in another error change nothing', async () => {
    const models = await fixture.start({ providers: ['gemini', 'groq'] });
    fixture.stub.on('gemini', ({ response }) => {
      response.writeHead(500).end('{"error": {"code": 429, "message": "429 quota RESOURCE_EXHAUSTED"}}');
    });
    await models.complete(hello);
    await models.complete(hello);
    expect(fixture.stub.asked()).toEqual(['gemini', 'groq', 'gemini', 'groq']);
    fixture.stub.says('gemini', { text: 'Well again.' });
    expect(await models.complete(hello)).toMatchObject({ provider: 'gemini' });
  });

  it('that cannot be reached, or says nothing that can be read, has failed', async () => {
    const models = await fixture.start({ providers: ['gemini', 'groq', 'claude', 'deepseek', 'openai'] });
    fixture.stub.on('gemini', ({ response }) => void response.destroy());
    fixture.stub.on('groq', ({ response }) => void response.end('<html>'));
    fixture.stub.on('claude', ({ response }) => void response.end('{}'));
    fixture.stub.on('deepseek', ({ response }) => void response.writeHead(302, { location: '/' }).end());
    fixture.stub.on('openai', ({ response }) => {
      response.writeHead(401).end('{"error": {"message": "Incorrect API key: secret-key-of-openai."}}');
    });
    await expect(models.complete(hello)).rejects.toMatchObject({
      kind: 'failed',
      message: 'All AI providers failed. Last error: claude: The answer cannot be read: it has no content.',
    });
    await expect(models.complete({ ...hello, model: 'openai/gpt-4o' })).rejects.toThrow(
      'All AI providers failed. Last error: openai: HTTP 401: Incorrect API key: ***.',
    );
  });
});

describe("OpenRouter's chain", () => {
  const CHAIN = [
    'qwen/qwen3-next-80b-a3b-instruct:free',
    'qwen/qwen3-vl-235b-a22b-thinking',
    'openai/gpt-oss-120b:free',
    'qwen/qwen3-coder:free',
    'google/gemma-3n-e2b-it:free',
    'deepseek/deepseek-r1-0528:free',
    'meta-llama/llama-3.3-70b-instruct:free',
  ];

  it('is tried to its end, model by model', async () => {
    const models = await fixture.start({ providers: ['openrouter', 'groq'] });
    fixture.stub.fails('openrouter', 502);
    expect(await models.complete({ ...hello, model: 'openrouter/auto' })).toMatchObject({ provider: 'groq' });
    expect(fixture.stub.asked('openrouter')).toEqual(CHAIN);
  });

  it('is what is configured, and openrouter/auto is its usual head', async () => {
    const models = await fixture.start({
      providers: ['openrouter'],
      env: { OPENROUTER_MODEL: 'openrouter/auto', OPENROUTER_FALLBACK_MODELS: `a/b, ${CHAIN[0] ?? ''}, c/d` },
    });
    fixture.stub.fails('openrouter', 503);
    await expect(models.complete(hello)).rejects.toThrow('All AI providers failed.');
    expect(fixture.stub.asked('openrouter')).toEqual([CHAIN[0], 'a/b', 'c/d']);
  });

  it.each([
    [404, 6 * HOUR],
    [429, 180 * SECOND],
    [402, HOUR],
    [408, 60 * SECOND],
    [500, 60 * SECOND],
    [503, 60 * SECOND],
    ['a broken connection', 60 * SECOND],
  ])('gives a model that answers %s a rest of %i ms', async (status, restMs) => {
    const models = await fixture.start({ providers: ['openrouter'] });
    fixture.stub.on('openrouter', ({ model, response }) => {
      if (model !== CHAIN[0]) return void response.end(JSON.stringify(openAiSays('Fine.')));
      if (typeof status === 'number') response.writeHead(status).end('{"error": {"message": "No."}}');
      else response.destroy();
    });
    const asked = async () => {
      fixture.stub.received.length = 0;
      await models.complete(hello);
      return fixture.stub.asked('openrouter');
    };
    expect(await asked()).toEqual([CHAIN[0], CHAIN[1]]);
    expect(await asked()).toEqual([CHAIN[1]]);
    fixture.pass(restMs - 1);
    expect(await asked()).toEqual([CHAIN[1]]);
    fixture.pass(1);
    // Its rest is over: the one of the highest priority comes first again.
    expect(await asked()).toEqual([CHAIN[0], CHAIN[1]]);
  });

  it('tries cooling models last, those that end first before the others', async () => {
    const models = await fixture.start({
      providers: ['openrouter'],
      env: { OPENROUTER_MODEL: 'a', OPENROUTER_FALLBACK_MODELS: 'b,c' },
    });
    const statuses: Record<string, number> = { a: 402, b: 429, c: 500 };
    fixture.stub.on('openrouter', ({ model, response }) => {
      response.writeHead(statuses[model] ?? 500).end('{}');
    });
    const order = async () => {
      fixture.stub.received.length = 0;
      await models.complete(hello).catch(() => undefined);
      return fixture.stub.asked('openrouter');
    };
    expect(await order()).toEqual(['a', 'b', 'c']);
    expect(await order()).toEqual(['c', 'b', 'a']);
    fixture.pass(61 * SECOND);
    expect(await order()).toEqual(['c', 'b', 'a']);
    fixture.pass(4 * MINUTE);
    expect(await order()).toEqual(['b', 'c', 'a']);
  });

  it('hears errors that come in an answer that is well otherwise', async () => {
    const models = await fixture.start({ providers: ['openrouter'] });
    fixture.stub.on('openrouter', ({ model, response }) => {
      const error = { error: { code: 429, message: 'Provider returned error' } };
      response.end(JSON.stringify(model === CHAIN[0] ? error : openAiSays('Fine.')));
    });
    expect(await models.complete(hello)).toMatchObject({ model: CHAIN[1], text: 'Fine.' });
    fixture.pass(180 * SECOND - 1);
    expect(await models.complete(hello)).toMatchObject({ model: CHAIN[1] });
    expect(fixture.stub.asked('openrouter')).toEqual([CHAIN[0], CHAIN[1], CHAIN[1]]);
  });
});

function openAiSays(content: string): object {
  return { choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }] };
}
