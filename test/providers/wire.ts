import { type ServerResponse } from 'node:http';
import { type ProviderName } from '../../src/gateway/providers/domain/catalogue.js';
import { reply } from '../support/stub-server.js';

/** What a model says in a test. */
export interface Said {
  readonly text?: string;
  readonly calls?: readonly { readonly id: string; readonly name: string; readonly input: object }[];
}

/** A provider's wire format, as its public documentation shows it. */
interface Wire {
  /** A whole answer. */
  answer(said: Said): object;
  /** The same bit by bit: the texts to send one after the other, the text of the answer a word at a time. */
  stream(said: Said): readonly string[];
  readonly contentType: string;
  /** The body of an error. */
  error(status: number): object;
}

const event = (data: unknown) => `data: ${JSON.stringify(data)}\n\n`;
const named = (data: { readonly type: string }) => `event: ${data.type}\n${event(data)}`;
const words = (text: string) => text.match(/\S+\s*/g) ?? [];
const halves = (text: string) => [
  text.slice(0, Math.ceil(text.length / 2)),
  text.slice(Math.ceil(text.length / 2)),
];

const openAi: Wire = {
  contentType: 'text/event-stream',
  answer: ({ text = '', calls = [] }) => ({
    id: 'chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT',
    object: 'chat.completion',
    created: 1_741_569_952,
    model: 'gpt-4o-mini-2024-07-18',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: text === '' ? null : text,
          refusal: null,
          annotations: [],
          ...(calls.length === 0
            ? {}
            : {
                tool_calls: calls.map(({ id, name, input }) => ({
                  id,
                  type: 'function',
                  function: { name, arguments: JSON.stringify(input) },
                })),
              }),
        },
        logprobs: null,
        finish_reason: calls.length > 0 ? 'tool_calls' : 'stop',
      },
    ],
    usage: { prompt_tokens: 19, completion_tokens: 10, total_tokens: 29 },
    service_tier: 'default',
  }),
  stream: ({ text = '', calls = [] }) => {
    const chunk = (delta: object, finish: string | null = null) =>
      event({
        id: 'chatcmpl-123',
        object: 'chat.completion.chunk',
        created: 1_694_268_190,
        model: 'gpt-4o-mini',
        choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
        usage: null,
      });
    return [
      ': OPENROUTER PROCESSING\n\n',
      chunk({ role: 'assistant', content: '' }),
      ...words(text).map((content) => chunk({ content })),
      ...calls.flatMap(({ id, name, input }, index) => [
        chunk({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }),
        ...halves(JSON.stringify(input)).map((part) =>
          chunk({ tool_calls: [{ index, function: { arguments: part } }] }),
        ),
      ]),
      chunk({}, calls.length > 0 ? 'tool_calls' : 'stop'),
      event({
        id: 'chatcmpl-123',
        object: 'chat.completion.chunk',
        choices: [],
        usage: { prompt_tokens: 19, completion_tokens: 10, total_tokens: 29 },
      }),
      'data: [DONE]\n\n',
    ];
  },
  error: (status) => ({
    error: { message: `It says ${status}.`, type: 'invalid_request_error', param: null, code: null },
  }),
};

const gemini: Wire = {
  contentType: 'text/event-stream',
  answer: ({ text = '', calls = [] }) => ({
    candidates: [
      {
        content: {
          role: 'model',
          parts: [
            ...(text === '' ? [] : [{ text }]),
            ...calls.map(({ name, input }) => ({ functionCall: { name, args: input } })),
          ],
        },
        finishReason: 'STOP',
        index: 0,
      },
    ],
    usageMetadata: { promptTokenCount: 19, candidatesTokenCount: 10, totalTokenCount: 29 },
    modelVersion: 'gemini-2.0-flash',
  }),
  stream: ({ text = '', calls = [] }) => {
    const chunk = (parts: readonly object[], more: object = {}) =>
      // Gemini ends its lines with CRLF.
      `data: ${JSON.stringify({
        candidates: [{ content: { role: 'model', parts }, index: 0, ...more }],
        usageMetadata: { promptTokenCount: 19, candidatesTokenCount: 10, totalTokenCount: 29 },
        modelVersion: 'gemini-2.0-flash',
      })}\r\n\r\n`;
    return [
      ...words(text).map((word) => chunk([{ text: word }])),
      chunk(
        calls.map(({ name, input }) => ({ functionCall: { name, args: input } })),
        { finishReason: 'STOP' },
      ),
    ];
  },
  error: (status) => ({ error: { code: status, message: `It says ${status}.`, status: 'FAILED' } }),
};

const anthropic: Wire = {
  contentType: 'text/event-stream; charset=utf-8',
  answer: ({ text = '', calls = [] }) => ({
    id: 'msg_013Zva2CMHLNnXjNJJKqJ2EF',
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-4-20250514',
    content: [
      ...(text === '' ? [] : [{ type: 'text', text }]),
      ...calls.map(({ id, name, input }) => ({ type: 'tool_use', id, name, input })),
    ],
    stop_reason: calls.length > 0 ? 'tool_use' : 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 19, output_tokens: 10 },
  }),
  stream: ({ text = '', calls = [] }) => [
    named({
      type: 'message_start',
      message: {
        id: 'msg_1nZdL29xx5MUA1yADyHTEsnR8uuvGzszyY',
        type: 'message',
        role: 'assistant',
        content: [],
        stop_reason: null,
        usage: { input_tokens: 19, output_tokens: 1 },
      },
    } as { type: string }),
    ...(text === ''
      ? []
      : [
          named({
            type: 'content_block_start',
            index: 0,
            content_block: { type: 'text', text: '' },
          } as { type: string }),
          named({ type: 'ping' }),
          ...words(text).map((word) =>
            named({
              type: 'content_block_delta',
              index: 0,
              delta: { type: 'text_delta', text: word },
            } as { type: string }),
          ),
          named({ type: 'content_block_stop', index: 0 } as { type: string }),
        ]),
    ...calls.flatMap(({ id, name, input }, order) => {
      const index = order + (text === '' ? 0 : 1);
      return [
        named({
          type: 'content_block_start',
          index,
          content_block: { type: 'tool_use', id, name, input: {} },
        } as { type: string }),
        ...['', ...halves(JSON.stringify(input))].map((part) =>
          named({
            type: 'content_block_delta',
            index,
            delta: { type: 'input_json_delta', partial_json: part },
          } as { type: string }),
        ),
        named({ type: 'content_block_stop', index } as { type: string }),
      ];
    }),
    named({
      type: 'message_delta',
      delta: { stop_reason: calls.length > 0 ? 'tool_use' : 'end_turn', stop_sequence: null },
      usage: { output_tokens: 10 },
    } as { type: string }),
    named({ type: 'message_stop' }),
  ],
  error: (status) => ({
    type: 'error',
    error: { type: 'some_error', message: `It says ${status}.` },
    request_id: 'req_011CSHoEeqs5C35K2UUqR7Fy',
  }),
};

const ollama: Wire = {
  contentType: 'application/x-ndjson',
  answer: ({ text = '', calls = [] }) => ({
    model: 'qwen2.5-coder:7b',
    created_at: '2023-12-12T14:13:43.416799Z',
    message: {
      role: 'assistant',
      content: text,
      ...(calls.length === 0
        ? {}
        : { tool_calls: calls.map(({ name, input }) => ({ function: { name, arguments: input } })) }),
    },
    done_reason: 'stop',
    done: true,
    total_duration: 5_191_566_416,
    prompt_eval_count: 19,
    eval_count: 10,
  }),
  stream: ({ text = '', calls = [] }) => {
    const line = (message: object, more: object = { done: false }) =>
      `${JSON.stringify({ model: 'qwen2.5-coder:7b', created_at: '2023-08-04T08:52:19.385406Z', message, ...more })}\n`;
    return [
      ...words(text).map((content) => line({ role: 'assistant', content })),
      ...(calls.length === 0
        ? []
        : [
            line({
              role: 'assistant',
              content: '',
              tool_calls: calls.map(({ name, input }) => ({ function: { name, arguments: input } })),
            }),
          ]),
      line(
        { role: 'assistant', content: '' },
        { done_reason: 'stop', done: true, prompt_eval_count: 19, eval_count: 10 },
      ),
    ];
  },
  error: (status) => ({ error: `It says ${status}.` }),
};

export const wires: Readonly<Record<ProviderName, Wire>> = {
  gemini,
  groq: openAi,
  openrouter: openAi,
  deepseek: openAi,
  openai: openAi,
  claude: anthropic,
  ollama,
};

/** Answers as `provider` does, whole or bit by bit as it was asked to. */
export function say(provider: ProviderName, response: ServerResponse, said: Said, isStream: boolean): void {
  const wire = wires[provider];
  if (!isStream) return reply(response, 200, wire.answer(said));
  response.writeHead(200, { 'content-type': wire.contentType });
  for (const part of wire.stream(said)) response.write(part);
  response.end();
}

/** Fails as `provider` does. */
export function fail(provider: ProviderName, response: ServerResponse, status: number): void {
  reply(response, status, wires[provider].error(status));
}
