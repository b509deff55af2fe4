import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type ProviderName, providerNames } from '../../src/gateway/providers/domain/catalogue.js';
import {
  type ChatMessage,
  type ChatModels,
  type ChatRequest,
  type Tool,
} from '../../src/gateway/providers/index.js';
import { type Json } from '../support/json.js';
import { MINUTE, ProvidersFixture } from './fixture.js';
import { secretOf } from './provider-stub.js';

let fixture: ProvidersFixture;
let models: ChatModels;

beforeAll(async () => {
  fixture = await ProvidersFixture.create();
  models = await fixture.start();
});
beforeEach(() => {
  fixture.stub.reset();
  fixture.pass(MINUTE);
});
afterAll(() => fixture.close());

const weather: Tool = {
  name: 'get_weather',
  description: 'Weather of a city.',
  parameters: {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    properties: { city: { type: 'string', description: 'Its name.', additionalProperties: false } },
    required: ['city'],
    additionalProperties: false,
  },
};
const question: ChatMessage[] = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Weather in Oslo and in Rome?' },
];
const calls = [
  { id: 'toolu_01', name: 'get_weather', input: { city: 'Oslo' } },
  { id: 'toolu_02', name: 'get_weather', input: { city: 'Rome "é"' } },
];
const plain = {
  ...weather,
  parameters: {
    type: 'object',
    properties: { city: { type: 'string', description: 'Its name.' } },
    required: ['city'],
  },
};

async function ask(
  provider: ProviderName,
  messages: readonly ChatMessage[],
  more: Partial<ChatRequest> = {},
) {
  return models.complete({ messages, tools: [weather], model: provider, ...more });
}

/** The two calls as a provider of OpenAI's format gets them back. */
const openAiCalls = (ids: readonly string[]) =>
  calls.map(({ name, input }, index) => ({
    id: ids[index],
    type: 'function',
    function: { name, arguments: JSON.stringify(input) },
  }));

/** What a provider is asked in the first round, and in the second, when both calls have been answered. */
interface Expected {
  readonly path: string;
  readonly header: readonly [name: string, value: string | undefined];
  readonly first: object;
  readonly second: (ids: readonly string[]) => object;
}

const openAi = (path: string, provider: ProviderName, maxTokens: string, model: string): Expected => {
  const first = {
    model,
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Weather in Oslo and in Rome?' },
    ],
    tools: [{ type: 'function', function: weather }],
    [maxTokens]: 500,
    temperature: 0.5,
  };
  return {
    path,
    header: ['authorization', `Bearer ${secretOf(provider)}`],
    first,
    second: (ids) => ({
      ...first,
      messages: [
        ...first.messages,
        { role: 'assistant', content: 'I look.', tool_calls: openAiCalls(ids) },
        { role: 'tool', tool_call_id: ids[0], content: '{"degrees":3}' },
        { role: 'tool', tool_call_id: ids[1], content: 'sunny' },
      ],
    }),
  };
};

const geminiFirst = {
  contents: [{ role: 'user', parts: [{ text: 'Weather in Oslo and in Rome?' }] }],
  systemInstruction: { parts: [{ text: 'Be brief.' }] },
  tools: [{ functionDeclarations: [plain] }],
  generationConfig: { maxOutputTokens: 500, temperature: 0.5 },
};
const claudeFirst = {
  model: 'claude-sonnet-4-20250514',
  max_tokens: 500,
  system: 'Be brief.',
  messages: [{ role: 'user', content: [{ type: 'text', text: 'Weather in Oslo and in Rome?' }] }],
  tools: [{ name: weather.name, description: weather.description, input_schema: weather.parameters }],
  temperature: 0.5,
};
const ollamaFirst = {
  model: 'qwen2.5-coder:7b',
  messages: question,
  tools: [{ type: 'function', function: weather }],
  stream: false,
  options: { num_ctx: 32_768, num_predict: 500, temperature: 0.5 },
};

const expected: Readonly<Record<ProviderName, Expected>> = {
  gemini: {
    path: '/v1beta/models/gemini-2.0-flash:generateContent',
    header: ['x-goog-api-key', secretOf('gemini')],
    first: geminiFirst,
    second: (ids) => ({
      ...geminiFirst,
      contents: [
        ...geminiFirst.contents,
        {
          role: 'model',
          parts: [
            { text: 'I look.' },
            ...calls.map(({ name, input }, index) => ({
              functionCall: { id: ids[index], name, args: input },
            })),
          ],
        },
        {
          role: 'user',
          parts: [
            { functionResponse: { id: ids[0], name: 'get_weather', response: { degrees: 3 } } },
            { functionResponse: { id: ids[1], name: 'get_weather', response: { result: 'sunny' } } },
          ],
        },
      ],
    }),
  },
  groq: openAi('/chat/completions', 'groq', 'max_completion_tokens', 'llama-3.3-70b-versatile'),
  openrouter: openAi(
    '/chat/completions',
    'openrouter',
    'max_tokens',
    'qwen/qwen3-next-80b-a3b-instruct:free',
  ),
  deepseek: openAi('/chat/completions', 'deepseek', 'max_tokens', 'deepseek-chat'),
  openai: openAi('/chat/completions', 'openai', 'max_completion_tokens', 'gpt-4o-mini'),
  claude: {
    path: '/v1/messages',
    header: ['x-api-key', secretOf('claude')],
    first: claudeFirst,
    second: (ids) => ({
      ...claudeFirst,
      messages: [
        ...claudeFirst.messages,
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'I look.' },
            ...calls.map(({ name, input }, index) => ({ type: 'tool_use', id: ids[index], name, input })),
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: ids[0], content: '{"degrees":3}' },
            { type: 'tool_result', tool_use_id: ids[1], content: 'sunny' },
          ],
        },
      ],
    }),
  },
  ollama: {
    path: '/api/chat',
    header: ['authorization', undefined],
    first: ollamaFirst,
    second: (ids) => ({
      ...ollamaFirst,
      messages: [
        ...question,
        {
          role: 'assistant',
          content: 'I look.',
          tool_calls: calls.map(({ name, input }, index) => ({
            id: ids[index],
            function: { name, arguments: input },
          })),
        },
        { role: 'tool', content: '{"degrees":3}', tool_name: 'get_weather', tool_call_id: ids[0] },
        { role: 'tool', content: 'sunny', tool_name: 'get_weather', tool_call_id: ids[1] },
      ],
    }),
  },
};

describe.each(providerNames)('%s', (provider) => {
  const { path, header, first, second } = expected[provider];

  it('is asked in its own format, and its tool calls keep their ids over two rounds', async () => {
    fixture.stub.says(provider, { text: 'I look.', calls });
    const settings = { maxTokens: 500, temperature: 0.5 };
    const asking = await ask(provider, question, settings);
    expect(fixture.stub.last()).toMatchObject({ provider, path, body: first });
    expect(fixture.stub.last().headers[header[0]]).toBe(header[1]);
    expect(fixture.stub.last().body).toEqual(first);
    const { toolCalls } = asking;
    expect(asking.text).toBe('I look.');
    expect(toolCalls.map(({ name, arguments: text }) => [name, JSON.parse(text)])).toEqual(
      calls.map(({ name, input }) => [name, input]),
    );
    const ids = toolCalls.map(({ id }) => id);
    if (provider === 'gemini' || provider === 'ollama') {
      for (const id of ids) expect(id).toMatch(/^call_[0-9a-f]{24}$/);
      expect(new Set(ids).size).toBe(2);
    } else expect(ids).toEqual(calls.map(({ id }) => id));
    fixture.stub.says(provider, { text: 'Cold and sunny.' });
    const answer = await ask(
      provider,
      [
        ...question,
        { role: 'assistant', content: asking.text, toolCalls },
        { role: 'tool', content: '{"degrees":3}', toolCallId: ids[0] ?? '' },
        { role: 'tool', content: 'sunny', toolCallId: ids[1] ?? '' },
      ],
      settings,
    );
    expect(fixture.stub.last().body).toEqual(second(ids));
    expect(answer).toMatchObject({ text: 'Cold and sunny.', toolCalls: [], provider });
  });

  it.each([401, 402, 403, 404, 408, 413, 422, 429, 500, 503, 529])(
    'that answers %i in its own words has failed',
    async (status) => {
      fixture.stub.fails(provider, status);
      await expect(ask(provider, question, { model: `${provider}/some-model` })).rejects.toMatchObject({
        kind: 'failed',
        lastStatus: status,
        message: `All AI providers failed. Last error: ${provider}: HTTP ${status}: It says ${status}.`,
      });
      // What two 429s would bring is another test's matter.
      fixture.stub.says(provider, { text: 'Fine.' });
      fixture.pass(11 * MINUTE);
      await ask(provider, question);
    },
  );
});

describe('a conversation that goes on with another provider', () => {
  it('keeps ids that it would not take, as others that stay the same', async () => {
    const id = 'functions.get_weather:0';
    const conversation: ChatMessage[] = [
      ...question,
      {
        role: 'assistant',
        content: '',
        toolCalls: [{ id, name: 'get_weather', arguments: '{"city":"Oslo"}' }],
      },
      { role: 'tool', content: 'cold', toolCallId: id },
    ];
    const sent = [];
    for (let round = 0; round < 2; round++) {
      await ask('claude', conversation);
      const { messages } = fixture.stub.last().body;
      expect(messages[1].content[0].id).toBe(messages[2].content[0].tool_use_id);
      expect(messages[1].content[0].id).toMatch(/^[A-Za-z0-9_-]+$/);
      sent.push(messages[1].content[0].id);
    }
    expect(sent[0]).toBe(sent[1]);
  });

  it('shows a model the arguments that it wrote wrongly', async () => {
    await ask('gemini', [
      ...question,
      {
        role: 'assistant',
        content: '',
        toolCalls: [
          { id: 'a', name: 'get_weather', arguments: '{"city":' },
          { id: 'b', name: 'get_weather', arguments: '' },
        ],
      },
      { role: 'tool', content: '[1]', toolCallId: 'a' },
    ]);
    expect(fixture.stub.last().body.contents[1].parts).toEqual([
      { functionCall: { id: 'a', name: 'get_weather', args: { value: '{"city":' } } },
      { functionCall: { id: 'b', name: 'get_weather', args: {} } },
    ]);
    expect(fixture.stub.last().body.contents[2].parts[0].functionResponse.response).toEqual({ result: [1] });
  });
});

describe('ollama without an address', () => {
  it('is called through the executor, and is absent without one', async () => {
    const asked: Json[] = [];
    let isAvailable = false;
    const made = await fixture.start({
      providers: [],
      ollama: {
        isAvailable: () => isAvailable,
        run: (params) => {
          asked.push(params);
          const message = {
            role: 'assistant',
            content: 'I look.',
            tool_calls: [{ function: { name: 'get_weather', arguments: { city: 'Oslo' } } }],
          };
          const stdout = JSON.stringify({ message, done: true, prompt_eval_count: 7, eval_count: 2 });
          return Promise.resolve(
            asked.length === 1
              ? { returncode: 0, stdout, stderr: '' }
              : { returncode: 1, stdout: '', stderr: 'Ollama is not there.' },
          );
        },
      },
    });
    const request = { messages: question, tools: [weather] };
    await expect(made.complete(request)).rejects.toMatchObject({ kind: 'unavailable' });
    isAvailable = true;
    expect(await made.complete(request)).toMatchObject({
      provider: 'ollama',
      text: 'I look.',
      toolCalls: [{ id: expect.stringMatching(/^call_/), name: 'get_weather', arguments: '{"city":"Oslo"}' }],
      usage: { inputTokens: 7, outputTokens: 2 },
    });
    expect(asked).toEqual([
      {
        model: 'qwen2.5-coder:7b',
        system: 'Be brief.',
        messages: [question[1]],
        tools: [{ type: 'function', function: weather }],
        max_tokens: 4_096,
        temperature: 0,
      },
    ]);
    await expect(made.complete(request)).rejects.toThrow(
      'All AI providers failed. Last error: ollama: Ollama is not there.',
    );
  });
});
