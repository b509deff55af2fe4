import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { gatewayConfig, type RunningGateway, startGateway } from '../../src/gateway/index.js';
import { providerNames } from '../../src/gateway/providers/domain/catalogue.js';
import { providersConfig } from '../../src/gateway/providers/index.js';
import { Env } from '../../src/platform/config/env.js';
import { createLogger } from '../../src/platform/logging/logger.js';
import { GatewayFixture } from '../gateway/fixture.js';
import { CuttableProxy } from '../support/cuttable-proxy.js';
import { type Json } from '../support/json.js';
import { complete } from './http-client.js';
import { ProviderStub, secretOf } from './provider-stub.js';
import { say } from './wire.js';

let fixture: GatewayFixture;
let stub: ProviderStub;
let gateway: RunningGateway;

beforeAll(async () => {
  fixture = await GatewayFixture.create();
  stub = await ProviderStub.start();
  gateway = await fixture.start({ env: stub.env(...providerNames) });
});
beforeEach(async () => {
  stub.reset();
  await fixture.sql.query('truncate gateway.provider_usage, gateway.provider_rates, gateway.provider_health');
});
afterAll(async () => {
  await fixture.close();
  await stub.close();
});

const messages = [{ role: 'user', content: 'Hello.' }];

async function get(path: string, at = gateway): Promise<Json> {
  const response = await fetch(at.url + path);
  expect(response.status).toBe(200);
  return response.json();
}

const provider = async (name: string, at = gateway): Promise<Json> => {
  const { providers } = await get('/providers', at);
  return providers.find((one: Json) => one.name === name);
};

describe('POST /v1/chat/completions', () => {
  it('answers in the format of OpenAI, tool calls over two rounds included', async () => {
    const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }];
    stub.says('claude', { calls: [{ id: 'toolu_01', name: 'look', input: { at: 'sky' } }] });
    const first = await complete(gateway, { model: 'claude', messages, tools });
    expect([first.status, first.headers.get('x-skynet-provider')]).toEqual([200, 'claude']);
    const message = {
      role: 'assistant',
      content: null,
      refusal: null,
      tool_calls: [
        { id: 'toolu_01', type: 'function', function: { name: 'look', arguments: '{"at":"sky"}' } },
      ],
    };
    expect(first.body).toEqual({
      id: expect.stringMatching(/^chatcmpl-/),
      object: 'chat.completion',
      created: expect.any(Number),
      model: 'claude/claude-sonnet-4-20250514',
      choices: [{ index: 0, message, logprobs: null, finish_reason: 'tool_calls' }],
      usage: { prompt_tokens: 19, completion_tokens: 10, total_tokens: 29 },
    });
    // Another provider goes on where the first one was.
    stub.says('gemini', { text: 'It is blue.' });
    const second = await complete(gateway, {
      model: 'gemini',
      messages: [...messages, message, { role: 'tool', tool_call_id: 'toolu_01', content: 'blue' }],
      tools,
    });
    expect(second.body.choices[0]).toMatchObject({
      message: { content: 'It is blue.' },
      finish_reason: 'stop',
    });
    expect(stub.last().body.contents.slice(1)).toEqual([
      { role: 'model', parts: [{ functionCall: { id: 'toolu_01', name: 'look', args: { at: 'sky' } } }] },
      {
        role: 'user',
        parts: [{ functionResponse: { id: 'toolu_01', name: 'look', response: { result: 'blue' } } }],
      },
    ]);
  });

  it('takes what OpenAI clients send beside texts', async () => {
    const answer = await complete(gateway, {
      model: 'openai',
      messages: [
        {
          role: 'developer',
          content: [
            { type: 'text', text: 'Be ' },
            { type: 'text', text: 'brief.' },
          ],
        },
        ...messages,
      ],
      max_tokens: 5,
      temperature: 0,
      tools: [{ type: 'function', function: { name: 'look' } }],
      tool_choice: 'none',
      n: 1,
      top_p: 1,
      response_format: { type: 'text' },
      user: 'somebody',
    });
    expect(answer.status).toBe(200);
    expect(stub.last().body).toEqual({
      model: 'gpt-4o-mini',
      messages: [{ role: 'system', content: 'Be brief.' }, ...messages],
      max_completion_tokens: 5,
      temperature: 0,
    });
    await complete(gateway, { messages, task_type: 'hard_debug' });
    expect(stub.last().provider).toBe('deepseek');
  });

  const call = { id: 'a', type: 'function', function: { name: 'x', arguments: '{}' } };
  it.each<[unknown, string | null, string]>([
    ['{', null, 'Invalid JSON body.'],
    ['', null, 'The body must be a JSON object.'],
    [[], null, 'The body must be a JSON object.'],
    ['{"messages":"\\u0000"}', null, 'Invalid JSON body.'],
    [{}, 'messages', "'messages' must be a list of 1 to 2000 messages."],
    [{ messages: [] }, 'messages', "'messages' must be a list of 1 to 2000 messages."],
    [{ messages: [3] }, 'messages[0]', "'messages[0]' must be an object."],
    [
      { messages: [{ role: 'function', content: '' }] },
      'messages[0].role',
      "'messages[0].role' must be system, developer, user, assistant or tool.",
    ],
    [
      { messages: [{ role: 'user' }] },
      'messages[0].content',
      "'messages[0].content' must be a string or a list of at most 1000 parts.",
    ],
    [
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] },
      'messages[0].content',
      "'messages[0].content' may only have parts of type text.",
    ],
    [
      { messages: [{ role: 'tool', content: '', tool_call_id: 'a' }] },
      'messages[0]',
      "'messages[0].tool_call_id' names no tool call of an earlier message.",
    ],
    [
      { messages: [{ role: 'assistant', tool_calls: [{ ...call, id: 3 }] }] },
      'messages[0].tool_calls[0].id',
      "'messages[0].tool_calls[0].id' must be a string of 1 to 256 characters.",
    ],
    [
      { messages, tools: [{ type: 'function', function: { name: 'a b' } }] },
      'tools[0].function.name',
      "'tools[0].function.name' must have 1 to 64 letters, digits, _ and -.",
    ],
    [{ messages, tools: Array(129).fill(call) }, 'tools', "'tools' must be a list of at most 128."],
    [{ messages, model: 3 }, 'model', "'model' must be a string of at most 200 characters."],
    [{ messages, stream: 'yes' }, 'stream', "'stream' must be true or false."],
    [{ messages, n: 2 }, 'n', "Only one answer can be asked for: 'n' must be 1."],
    [{ messages, stop: ['x'] }, 'stop', "'stop' is not supported."],
    [{ messages, tool_choice: 'required' }, 'tool_choice', "'tool_choice' must be auto or none."],
    [
      { messages, response_format: { type: 'json_object' } },
      'response_format',
      "'response_format' must be of type text.",
    ],
    [{ messages, max_tokens: 0 }, 'max_tokens', "'max_tokens' must be a whole number from 1 to 1000000."],
    [{ messages, temperature: 3 }, 'temperature', "'temperature' must be a number from 0 to 2."],
    [
      { messages, task_type: 'x' },
      'task_type',
      expect.stringMatching(/^'task_type' must be one of scaffold, /) as unknown as string,
    ],
  ])('refuses the body %.70j', async (body, param, message) => {
    const answer = await complete(gateway, body);
    expect([answer.status, answer.body]).toEqual([
      400,
      { error: { message, type: 'invalid_request_error', param, code: null } },
    ]);
    expect(stub.received).toEqual([]);
  });

  it('tells each way of getting no answer by a status of its own', async () => {
    const told = async (model: string) => {
      const { status, body, headers } = await complete(gateway, { model, messages });
      return [status, body.error.type, body.error.code, body.error.message, headers.get('retry-after')];
    };
    expect(await told('gpt-4')).toEqual([
      404,
      'invalid_request_error',
      'model_not_found',
      expect.stringMatching(/^There is no model 'gpt-4'/),
      null,
    ]);
    const failed = (status: number) =>
      `All AI providers failed. Last error: claude: HTTP ${status}: It says ${status}.`;
    stub.fails('claude', 400);
    expect(await told('claude')).toEqual([
      400,
      'invalid_request_error',
      'refused_by_provider',
      failed(400),
      null,
    ]);
    stub.fails('claude', 401);
    expect(await told('claude/x')).toEqual([502, 'api_error', 'all_providers_failed', failed(401), null]);
    stub.fails('claude', 429);
    for (let round = 0; round < 2; round++) {
      expect(await told('claude/x')).toEqual([
        429,
        'rate_limit_error',
        'all_providers_failed',
        failed(429),
        null,
      ]);
    }
    expect(await told('claude/x')).toEqual([
      503,
      'service_unavailable_error',
      'no_provider_available',
      'No AI providers available — all quotas exhausted or in cooldown.',
      expect.stringMatching(/^(300|299)$/),
    ]);
    const { status, body } = await complete(gateway, { model: 'ollama/x', messages, max_tokens: 50_000 });
    expect([status, body.error.code, body.error.param]).toEqual([400, 'context_length_exceeded', 'messages']);
  });

  it('wants the token, and refuses pages of other sites, in the words of OpenAI', async () => {
    const closed = await fixture.start({ env: { ...stub.env('groq'), SKYNET_GATEWAY_TOKEN: 'token' } });
    expect(await complete(closed, { messages })).toMatchObject({
      status: 401,
      body: { error: { message: 'Unauthorized', type: 'authentication_error', param: null, code: null } },
    });
    expect((await complete(closed, { messages }, { authorization: 'Bearer token' })).status).toBe(200);
    for (const path of ['/v1/models', '/providers']) {
      expect((await fetch(closed.url + path)).status).toBe(401);
    }
    expect(await complete(gateway, { messages }, { origin: 'https://evil.example' })).toMatchObject({
      status: 403,
      body: { error: { type: 'permission_error' } },
    });
  });

  it('takes bodies of up to 8 MiB', async () => {
    const body = (bytes: number) =>
      JSON.stringify({ messages: [{ role: 'user', content: 'x'.repeat(bytes) }] });
    expect(await complete(gateway, body(8 * 1_048_576))).toMatchObject({
      status: 413,
      body: { error: { message: 'Request body too large.', type: 'invalid_request_error' } },
    });
    expect((await complete(gateway, body(8 * 1_048_576 - 1_000))).body.error.code).toBe(
      'context_length_exceeded',
    );
  });

  it('answers at most so many at once', async () => {
    const config = { ...providersConfig(new Env(stub.env('groq'))), maxRequests: 1 };
    const small = await fixture.start({ config: { providers: config } });
    let letGo: (() => void) | undefined;
    const asked = new Promise<void>((resolve) => {
      stub.on('groq', ({ response }) => {
        letGo = () => void response.writeHead(500).end();
        resolve();
      });
    });
    const first = complete(small, { messages });
    await asked;
    const second = await complete(small, { messages });
    expect([second.status, second.body.error.code, second.headers.get('retry-after')]).toEqual([
      503,
      'overloaded',
      '1',
    ]);
    letGo?.();
    expect((await first).status).toBe(502);
  });

  it('never answers with a 5xx of its own, whatever it is sent', async () => {
    const value = fc.oneof(
      fc.jsonValue(),
      fc.string({ unit: 'binary' }),
      fc.constant('auto'),
      fc.constant('user'),
    );
    const toolCalls = fc.array(
      fc.record(
        {
          id: value,
          function: fc.oneof(value, fc.record({ name: value, arguments: value }, { requiredKeys: [] })),
        },
        { requiredKeys: [] },
      ),
      { maxLength: 3 },
    );
    const message = fc.record(
      {
        role: fc.oneof(fc.constantFrom('system', 'user', 'assistant', 'tool', '__proto__'), value),
        content: fc.oneof(
          value,
          fc.array(fc.record({ type: fc.constant('text'), text: value }), { maxLength: 3 }),
        ),
        tool_calls: fc.oneof(value, toolCalls),
        tool_call_id: value,
      },
      { requiredKeys: [] },
    );
    const body = fc.record(
      {
        model: fc.oneof(
          value,
          fc.constantFrom('groq/__proto__', 'constructor', 'groq/../../x', 'gemini/a?b#c'),
        ),
        messages: fc.oneof(value, fc.array(message, { maxLength: 3 })),
        tools: fc.oneof(value, fc.array(fc.record({ type: fc.constant('function'), function: value }))),
        stream: fc.oneof(value, fc.constant(true)),
        max_tokens: value,
        temperature: value,
        task_type: value,
        stream_options: value,
        __proto__: value,
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(body, async (request) => {
        const response = await fetch(`${gateway.url}/v1/chat/completions`, {
          method: 'POST',
          body: JSON.stringify(request),
        });
        const text = await response.text();
        expect(response.status).toBeLessThan(500);
        expect(text).not.toMatch(/node_modules|\.[jt]s:\d+|select .* from|secret-key/i);
      }),
      { numRuns: 400 },
    );
  });
});

it('GET /v1/models lists what can be asked for', async () => {
  const few = await fixture.start({
    env: {
      ...stub.env('groq', 'openrouter', 'ollama'),
      OPENROUTER_MODEL: 'a/b',
      OPENROUTER_FALLBACK_MODELS: 'c/d',
    },
  });
  const { object, data } = await get('/v1/models', few);
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
    const few = await fixture.start({ env: stub.env('groq') });
    const { providers } = await get('/providers', few);
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
    const few = await fixture.start({ env: stub.env('claude', 'openrouter', 'ollama') });
    for (let used = 0; used < 5; used++) await complete(few, { model: 'claude', messages });
    expect(await provider('claude', few)).toMatchObject({
      usable: false,
      reason: 'Its calls of this minute are used up.',
      day: { limit: 100, used: 5, left: 95 },
      minute: { limit: 5, used: 5, left: 0, resets_at: expect.any(String) },
      input_tokens_today: 95,
      output_tokens_today: 50,
    });
    await complete(few, { model: 'ollama', messages });
    expect(await provider('ollama', few)).toMatchObject({
      day: { limit: null, used: 1, left: null },
      minute: { limit: null, used: 0, left: null },
    });
    expect(JSON.stringify(await get('/providers', few))).not.toContain('secret-key');
  });

  it('shows rests with their ends and reasons', async () => {
    stub.on('openrouter', ({ response }) => {
      response.writeHead(429).end(`{"error":{"message":"Key ${secretOf('openrouter')} is limited."}}`);
    });
    await complete(gateway, { model: 'openrouter', messages });
    await complete(gateway, { model: 'openrouter', messages });
    const openrouter = await provider('openrouter');
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
    stub.fails('groq', 500);
    for (let round = 0; round < 3; round++) await complete(gateway, { model: 'groq/x', messages });
    const groq = await provider('groq');
    expect(groq).toMatchObject({ usable: true, consecutive_errors: 3, cooling_until: null });
    expect(inSeconds(groq.last_until)).toBeGreaterThan(3_580);
  });
});

it('asks nobody while the database is away, and hands out what was answered when it went', async () => {
  const way = await CuttableProxy.to(fixture.database.url);
  const env = new Env({ SKYNET_HTTP_PORT: '0', ...stub.env('groq') });
  const lonely = await startGateway({
    config: { ...gatewayConfig(env), patienceMs: 100 },
    databaseUrl: way.url,
    logger: createLogger('test', 'silent'),
    env: process.env,
  });
  stub.on('groq', ({ response, isStream }) => {
    way.cut();
    say('groq', response, { text: 'Just in time.' }, isStream);
  });
  const answer = await complete(lonely, { messages });
  expect([answer.status, answer.body.choices[0].message.content]).toEqual([200, 'Just in time.']);
  expect(await complete(lonely, { messages })).toMatchObject({
    status: 503,
    body: { error: { message: 'The gateway has no database.', type: 'service_unavailable_error' } },
  });
  expect(stub.received).toHaveLength(1);
  way.mend();
  await lonely.close();
  await way.close();
});
