import { describe, expect, it } from '@jest/globals';
import { type Json } from '../support/json.js';
import { complete } from './http-client.js';
import { HttpStage, messages } from './http-stage.js';
import { secretOf } from './provider-stub.js';

const stage = HttpStage.forTests();

it('GET /v1/models lists what can be asked for', async () => {
  const few = await stage.fixture.start({
    env: {
      ...stage.stub.env('groq', 'openrouter', 'ollama'),
      OPENROUTER_MODEL: 'a/b',
      OPENROUTER_FALLBACK_MODELS: 'c/d',
    },
  });
  const { object, data } = await stage.get('/v1/models', few);
  expect(object).toBe('list');
  expect(data[0]).toEqual({ id: 'auto', object: 'model', created: 0, owned_by: 'skynet' });
  const ids = data.map(({ id }: Json) => id);
  expect(ids).toEqual([
    'auto',
    'groq',
    'groq/llama-3.3-70b-versatile',
    'openrouter',
    'openrouter/a/b',
    'openrouter/c/d',
    'ollama',
    'ollama/qwen2.5-coder:7b',
  ]);
  for (const model of ids) expect((await complete(few, { model, messages })).status).toBe(200);
});

describe('GET /providers', () => {
  it('shows who is usable and why others are not', async () => {
    const few = await stage.fixture.start({ env: stage.stub.env('groq') });
    const { providers } = await stage.get('/providers', few);
    expect(providers.map(({ name, usable, reason }: Json) => [name, usable, reason])).toEqual([
      ['gemini', false, 'GOOGLE_AI_API_KEY is not set.'],
      ['groq', true, null],
      ['openrouter', false, 'OPENROUTER_API_KEY is not set.'],
      ['deepseek', false, 'DEEPSEEK_API_KEY is not set.'],
      ['openai', false, 'OPENAI_API_KEY is not set.'],
      ['claude', false, 'ANTHROPIC_API_KEY is not set.'],
      ['ollama', true, null],
    ]);
    expect(providers[1]).toEqual({
      name: 'groq',
      priority: 2,
      registered: true,
      usable: true,
      reason: null,
      models: [{ model: 'llama-3.3-70b-versatile', cooling_until: null, last_error: null }],
      context_tokens: 131_072,
      day: {
        limit: 14_400,
        used: 0,
        left: 14_400,
        resets_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT00:00:00\.000Z$/),
      },
      minute: { limit: 30, used: 0, left: 30, resets_at: null },
      input_tokens_today: 0,
      output_tokens_today: 0,
      consecutive_errors: 0,
      cooling_until: null,
      last_until: null,
      last_error: null,
    });
  });

  it('shows what was used, and what is left, and tells no key', async () => {
    const few = await stage.fixture.start({ env: stage.stub.env('claude', 'openrouter', 'ollama') });
    for (let used = 0; used < 5; used++) await complete(few, { model: 'claude', messages });
    expect(await stage.provider('claude', few)).toMatchObject({
      usable: false,
      reason: 'Its calls of this minute are used up.',
      day: { limit: 100, used: 5, left: 95 },
      minute: { limit: 5, used: 5, left: 0, resets_at: expect.any(String) },
      input_tokens_today: 95,
      output_tokens_today: 50,
    });
    await complete(few, { model: 'ollama', messages });
    expect(await stage.provider('ollama', few)).toMatchObject({
      day: { limit: null, used: 1, left: null },
      minute: { limit: null, used: 0, left: null },
    });
    expect(JSON.stringify(await stage.get('/providers', few))).not.toContain('secret-key');
  });

  it('shows rests with their ends and reasons', async () => {
    stage.stub.on('openrouter', ({ response }) => {
      response.writeHead(429).end(`{"error":{"message":"Key ${secretOf('openrouter')} is limited."}}`);
    });
    await complete(stage.gateway, { model: 'openrouter', messages });
    await complete(stage.gateway, { model: 'openrouter', messages });
    const openrouter = await stage.provider('openrouter');
    expect(openrouter).toMatchObject({
      registered: true,
      usable: false,
      reason: 'It is cooling down after it was called too often.',
      consecutive_errors: 2,
      last_error: 'HTTP 429: Key *** is limited.',
    });
    const inSeconds = (time: string) => Math.round((Date.parse(time) - Date.now()) / 1_000);
    expect(inSeconds(openrouter.cooling_until)).toBeGreaterThan(280);
    expect(inSeconds(openrouter.cooling_until)).toBeLessThanOrEqual(300);
    for (const model of openrouter.models) {
      expect(inSeconds(model.cooling_until)).toBeGreaterThan(160);
      expect(model.last_error).toBe('HTTP 429: Key *** is limited.');
    }
    stage.stub.fails('groq', 500);
    for (let round = 0; round < 3; round++) await complete(stage.gateway, { model: 'groq/x', messages });
    const groq = await stage.provider('groq');
    expect(groq).toMatchObject({ usable: true, consecutive_errors: 3, cooling_until: null });
    expect(inSeconds(groq.last_until)).toBeGreaterThan(3_580);
  });
});
