import { describe, expect, it } from '@jest/globals';
import { gatewayConfig, startGateway } from '../../src/gateway/index.js';
import { providersConfig } from '../../src/gateway/providers/index.js';
import { Env } from '../../src/platform/config/env.js';
import { createLogger } from '../../src/platform/logging/logger.js';
import { CuttableProxy } from '../support/cuttable-proxy.js';
import { complete } from './http-client.js';
import { HttpStage, messages } from './http-stage.js';
import { say } from './wire.js';

const stage = HttpStage.forTests();

describe('POST /v1/chat/completions', () => {
  it('answers in the format of OpenAI, tool calls over two rounds included', async () => {
    const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }];
    stage.stub.says('claude', { calls: [{ id: 'toolu_01', name: 'look', input: { at: 'sky' } }] });
    const first = await complete(stage.gateway, { model: 'claude', messages, tools });
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
    stage.stub.says('gemini', { text: 'It is blue.' });
    const second = await complete(stage.gateway, {
      model: 'gemini',
      messages: [...messages, message, { role: 'tool', tool_call_id: 'toolu_01', content: 'blue' }],
      tools,
    });
    expect(second.body.choices[0]).toMatchObject({
      message: { content: 'It is blue.' },
      finish_reason: 'stop',
    });
    expect(stage.stub.last().body.contents.slice(1)).toEqual([
      { role: 'model', parts: [{ functionCall: { id: 'toolu_01', name: 'look', args: { at: 'sky' } } }] },
      {
        role: 'user',
        parts: [{ functionResponse: { id: 'toolu_01', name: 'look', response: { result: 'blue' } } }],
      },
    ]);
  });

  it('takes what OpenAI clients send beside texts', async () => {
    const answer = await complete(stage.gateway, {
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
    expect(stage.stub.last().body).toEqual({
      model: 'gpt-4o-mini',
      messages: [{ role: 'system', content: 'Be brief.' }, ...messages],
      max_completion_tokens: 5,
      temperature: 0,
    });
    await complete(stage.gateway, { messages, task_type: 'hard_debug' });
    expect(stage.stub.last().provider).toBe('deepseek');
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
    const answer = await complete(stage.gateway, body);
    expect([answer.status, answer.body]).toEqual([
      400,
      { error: { message, type: 'invalid_request_error', param, code: null } },
    ]);
    expect(stage.stub.received).toEqual([]);
  });

  it('tells each way of getting no answer by a status of its own', async () => {
    const told = async (model: string) => {
      const { status, body, headers } = await complete(stage.gateway, { model, messages });
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
    stage.stub.fails('claude', 400);
    expect(await told('claude')).toEqual([
      400,
      'invalid_request_error',
      'refused_by_provider',
      failed(400),
      null,
    ]);
    stage.stub.fails('claude', 401);
    expect(await told('claude/x')).toEqual([502, 'api_error', 'all_providers_failed', failed(401), null]);
    stage.stub.fails('claude', 429);
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
    const { status, body } = await complete(stage.gateway, {
      model: 'ollama/x',
      messages,
      max_tokens: 50_000,
    });
    expect([status, body.error.code, body.error.param]).toEqual([400, 'context_length_exceeded', 'messages']);
  });

  it('wants the token, and refuses pages of other sites, in the words of OpenAI', async () => {
    const closed = await stage.fixture.start({
      env: { ...stage.stub.env('groq'), SKYNET_GATEWAY_TOKEN: 'token' },
    });
    expect(await complete(closed, { messages })).toMatchObject({
      status: 401,
      body: { error: { message: 'Unauthorized', type: 'authentication_error', param: null, code: null } },
    });
    expect((await complete(closed, { messages }, { authorization: 'Bearer token' })).status).toBe(200);
    for (const path of ['/v1/models', '/providers']) {
      expect((await fetch(closed.url + path)).status).toBe(401);
    }
    expect(await complete(stage.gateway, { messages }, { origin: 'https://evil.example' })).toMatchObject({
      status: 403,
      body: { error: { type: 'permission_error' } },
    });
  });

  it('takes bodies of up to 8 MiB', async () => {
    const body = (bytes: number) =>
      JSON.stringify({ messages: [{ role: 'user', content: 'x'.repeat(bytes) }] });
    expect(await complete(stage.gateway, body(8 * 1_048_576))).toMatchObject({
      status: 413,
      body: { error: { message: 'Request body too large.', type: 'invalid_request_error' } },
    });
    expect((await complete(stage.gateway, body(8 * 1_048_576 - 1_000))).body.error.code).toBe(
      'context_length_exceeded',
    );
  });

  it('answers at most so many at once', async () => {
    const config = { ...providersConfig(new Env(stage.stub.env('groq'))), maxRequests: 1 };
    const small = await stage.fixture.start({ config: { providers: config } });
    let letGo: (() => void) | undefined;
    const asked = new Promise<void>((resolve) => {
      stage.stub.on('groq', ({ response }) => {
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
});

it('asks nobody while the database is away, and hands out what was answered when it went', async () => {
  const way = await CuttableProxy.to(stage.fixture.database.url);
  const env = new Env({ SKYNET_HTTP_PORT: '0', ...stage.stub.env('groq') });
  const lonely = await startGateway({
    config: { ...gatewayConfig(env), patienceMs: 100 },
    databaseUrl: way.url,
    logger: createLogger('test', 'silent'),
    env: process.env,
  });
  stage.stub.on('groq', ({ response, isStream }) => {
    way.cut();
    say('groq', response, { text: 'Just in time.' }, isStream);
  });
  const answer = await complete(lonely, { messages });
  expect([answer.status, answer.body.choices[0].message.content]).toEqual([200, 'Just in time.']);
  expect(await complete(lonely, { messages })).toMatchObject({
    status: 503,
    body: { error: { message: 'The gateway has no database.', type: 'service_unavailable_error' } },
  });
  expect(stage.stub.received).toHaveLength(1);
  way.mend();
  await lonely.close();
  await way.close();
});
