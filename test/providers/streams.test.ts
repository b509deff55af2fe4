import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type ServerResponse } from 'node:http';
import { type RunningGateway } from '../../src/gateway/index.js';
import { providerNames } from '../../src/gateway/providers/domain/catalogue.js';
import { type ProvidersConfig, providersConfig } from '../../src/gateway/providers/index.js';
import { Env } from '../../src/platform/config/env.js';
import { GatewayFixture } from '../gateway/fixture.js';
import { eventually } from '../support/eventually.js';
import { complete, CompletionStream } from './http-client.js';
import { ProviderStub, type Received } from './provider-stub.js';
import { wires } from './wire.js';

let fixture: GatewayFixture;
let stub: ProviderStub;
let gateway: RunningGateway;

const start = (limits: Partial<ProvidersConfig> = {}) => {
  const config = providersConfig(new Env(stub.env(...providerNames)));
  return fixture.start({ config: { providers: { ...config, ...limits } } });
};

beforeAll(async () => {
  fixture = await GatewayFixture.create();
  stub = await ProviderStub.start();
  gateway = await start();
});
beforeEach(async () => {
  stub.reset();
  // What one test has used of a quota is not another's matter.
  await fixture.sql.query('truncate gateway.provider_usage, gateway.provider_rates, gateway.provider_health');
});
afterAll(async () => {
  await fixture.close();
  await stub.close();
});

const messages = [{ role: 'user', content: 'Hello.' }];
const calls = [
  { id: 'toolu_01', name: 'get_weather', input: { city: 'Oslo' } },
  { id: 'toolu_02', name: 'get_weather', input: { city: 'Rome "é"' } },
];
const chunk = (content: string) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`;

/** A provider that has begun to answer and does not go on by itself. */
function heldAnswer(): Promise<ServerResponse> {
  return new Promise((resolve) => {
    stub.on('groq', ({ response }: Received) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chunk('begun '));
      resolve(response);
    });
  });
}

const closed = (response: ServerResponse) =>
  eventually('the call has ended', () => Promise.resolve(response.destroyed ? true : undefined));

describe.each(providerNames)('%s', (provider) => {
  it('answers bit by bit, tool calls included', async () => {
    stub.says(provider, { text: 'I look at the sky of Oslo.', calls });
    const stream = await CompletionStream.open(gateway, {
      model: provider,
      messages,
      tools: [{ type: 'function', function: { name: 'get_weather' } }],
      stream_options: { include_usage: true },
    });
    await stream.whole();
    expect(stream.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'x-skynet-provider': provider,
    });
    expect(stub.last().isStream).toBe(true);
    expect(stream.text).toBe('I look at the sky of Oslo.');
    expect(stream.data[0].choices[0].delta).toEqual({ role: 'assistant', content: '' });
    expect(stream.data.filter(({ choices }) => choices?.[0]?.delta?.content).length).toBeGreaterThan(5);
    expect(stream.toolCalls).toEqual(
      calls.map(({ id, name, input }) => ({
        id:
          provider === 'gemini' || provider === 'ollama' ? expect.stringMatching(/^call_[0-9a-f]{24}$/) : id,
        name,
        arguments: JSON.stringify(input),
      })),
    );
    const [finish, usage, done] = stream.data.slice(-3);
    expect(finish.choices[0]).toMatchObject({ delta: {}, finish_reason: 'tool_calls' });
    expect(usage).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 19, completion_tokens: 10, total_tokens: 29 },
    });
    expect(done).toBe('[DONE]');
  });

  it('is followed by the next when it fails before its first word, or breaks off there', async () => {
    const other = provider === 'gemini' ? 'groq' : 'gemini';
    stub.fails(provider, 503);
    const failed = await (await CompletionStream.open(gateway, { model: provider, messages })).whole();
    expect([failed.provider, failed.text]).toEqual([other, `${other} says hello.`]);
    stub.on(provider, ({ response }) => {
      response.writeHead(200, { 'content-type': wires[provider].contentType });
      response.end();
    });
    const empty = await (await CompletionStream.open(gateway, { model: provider, messages })).whole();
    expect([empty.provider, empty.text]).toEqual([other, `${other} says hello.`]);
  });

  it('that breaks off in the middle never looks whole', async () => {
    stub.on(provider, ({ response }) => {
      response.writeHead(200, { 'content-type': wires[provider].contentType });
      const parts = wires[provider].stream({ text: 'Half of an answer' }).slice(0, 4);
      response.write(parts.join(''), () => response.destroy());
    });
    const stream = await (await CompletionStream.open(gateway, { model: provider, messages })).whole();
    expect(stream.provider).toBe(provider);
    expect(stream.data.at(-1)).toMatchObject({
      error: { type: 'api_error', code: 'all_providers_failed', message: expect.stringContaining(provider) },
    });
    const { rows } = await fixture.sql.query(
      "select errors from gateway.provider_health where provider = $1 and model = ''",
      [provider],
    );
    expect(rows).toEqual([{ errors: 1 }]);
  });
});

it('tells errors that a provider tells in the middle of a stream', async () => {
  const tell = async (provider: 'claude' | 'openrouter' | 'ollama', parts: string[]) => {
    stub.on(provider, ({ response }) => {
      response.writeHead(200);
      for (const part of parts) response.write(part);
      response.end();
    });
    const stream = await (await CompletionStream.open(gateway, { model: `${provider}/m`, messages })).whole();
    return stream.data.at(-1);
  };
  const begun = wires.claude.stream({ text: 'One two' }).slice(0, 4);
  const overloaded = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
  expect(
    await tell('claude', [...begun, `event: error\ndata: ${JSON.stringify(overloaded)}\n\n`]),
  ).toMatchObject({
    error: { message: 'All AI providers failed. Last error: claude: Overloaded' },
  });
  const limited = {
    error: { code: 429, message: 'Slow down' },
    choices: [{ delta: {}, finish_reason: 'error' }],
  };
  expect(await tell('openrouter', [chunk('One'), `data: ${JSON.stringify(limited)}\n\n`])).toMatchObject({
    error: {
      type: 'rate_limit_error',
      message: 'All AI providers failed. Last error: openrouter: Slow down',
    },
  });
  // The model rests, as if it had failed before its first word.
  const head = 'qwen/qwen3-next-80b-a3b-instruct:free';
  stub.says('openrouter', { text: 'Fine.' });
  await complete(gateway, { model: 'openrouter', messages });
  expect(stub.last().model).toBe(head);
  stub.on('openrouter', ({ response }) => {
    response.write(chunk('One'));
    response.end(`data: ${JSON.stringify(limited)}\n\n`);
  });
  await (await CompletionStream.open(gateway, { model: 'openrouter', messages })).whole();
  stub.says('openrouter', { text: 'Fine.' });
  await complete(gateway, { model: 'openrouter', messages });
  expect(stub.asked('openrouter').slice(-2)).toEqual([head, 'qwen/qwen3-vl-235b-a22b-thinking']);
  const line = wires.ollama.stream({ text: 'One two' })[0] ?? '';
  expect(await tell('ollama', [line, '{"error":"out of memory"}\n'])).toMatchObject({
    error: { message: 'All AI providers failed. Last error: ollama: out of memory' },
  });
});

describe('a client', () => {
  it('that hangs up ends the call, and what it has heard counts', async () => {
    const answer = heldAnswer();
    const stream = await CompletionStream.open(gateway, { model: 'groq', messages });
    const response = await answer;
    expect(response.destroyed).toBe(false);
    stream.hangUp();
    await closed(response);
    await eventually('the request is counted', async () => {
      const { rows } = await fixture.sql.query(
        "select requests from gateway.provider_usage where provider = 'groq'",
      );
      return rows[0]?.requests === 1 ? true : undefined;
    });
    expect(stub.asked()).toEqual(['groq']);
  });

  it('that hangs up before the first word ends the call as well, streamed or not', async () => {
    for (const isStream of [true, false]) {
      const called = new Promise<ServerResponse>((resolve) =>
        stub.on('groq', ({ response }) => resolve(response)),
      );
      const abort = new AbortController();
      const asking = fetch(`${gateway.url}/v1/chat/completions`, {
        method: 'POST',
        body: JSON.stringify({ model: 'groq', messages, stream: isStream }),
        signal: abort.signal,
      });
      const response = await called;
      abort.abort();
      await expect(asking).rejects.toThrow();
      await closed(response);
    }
    expect(stub.asked()).toEqual(['groq', 'groq']);
  });

  it('that is slow slows the provider down, and misses nothing', async () => {
    const COUNT = 4_000;
    const text = 'x'.repeat(8_000);
    let written = 0;
    stub.on('groq', async ({ response }) => {
      response.writeHead(200);
      while (written < COUNT) {
        written++;
        if (!response.write(chunk(text))) await new Promise((resolve) => response.once('drain', resolve));
      }
      response.end(`data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n`);
    });
    const stream = await CompletionStream.open(gateway, { model: 'groq', messages });
    let [before, same] = [-1, 0];
    await eventually('the provider has stopped writing', () => {
      same = written === before ? same + 1 : 0;
      before = written;
      return Promise.resolve(same >= 30 ? true : undefined);
    });
    // What fits into the sockets between, of 32 MB.
    expect(written).toBeLessThan(COUNT / 2);
    await stream.whole();
    expect(stream.text.length).toBe(COUNT * text.length);
    expect(stream.data.at(-1)).toBe('[DONE]');
  });

  it('that takes nothing at all is cut off, and so is the call', async () => {
    const impatient = await start({ stallMs: 200 });
    let call: ServerResponse | undefined;
    stub.on('groq', async ({ response }) => {
      call = response;
      while (!response.destroyed) {
        if (!response.write(chunk('x'.repeat(50_000)))) {
          await new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
        }
      }
    });
    await CompletionStream.open(impatient, { model: 'groq', messages });
    await eventually('the call has ended', () =>
      Promise.resolve(call?.destroyed === true ? true : undefined),
    );
  });
});

describe('time', () => {
  it('passes a provider over that does not answer, streamed or not', async () => {
    const impatient = await start({ callMs: 300 });
    stub.on('groq', () => undefined);
    expect((await complete(impatient, { model: 'groq', messages })).headers.get('x-skynet-provider')).toBe(
      'gemini',
    );
    const stream = await (await CompletionStream.open(impatient, { model: 'groq', messages })).whole();
    expect(stream.provider).toBe('gemini');
    expect((await complete(impatient, { model: 'groq/m', messages })).body).toEqual({
      error: {
        message: 'All AI providers failed. Last error: groq: No answer within 0.3 s.',
        type: 'api_error',
        param: null,
        code: 'all_providers_failed',
      },
    });
  });

  it('ends a stream that says nothing any more, and not one that is slow', async () => {
    const impatient = await start({ callMs: 500 });
    const answer = heldAnswer();
    const stream = (await CompletionStream.open(impatient, { model: 'groq', messages })).listen();
    const response = await answer;
    const tick = setInterval(() => response.write(chunk('more ')), 100);
    await eventually('more has come than fits into one call', () =>
      Promise.resolve(stream.text.length > 50 ? true : undefined),
    );
    clearInterval(tick);
    await closed(response);
    await eventually('the stream has ended', () =>
      Promise.resolve(stream.ended === 'done' ? true : undefined),
    );
    expect(stream.data.at(-1).error).toMatchObject({
      message: 'All AI providers failed. Last error: groq: No answer within 0.5 s.',
    });
  });

  it('is limited for a request as a whole', async () => {
    const impatient = await start({ requestMs: 500 });
    for (const name of providerNames) stub.on(name, () => undefined);
    expect(await complete(impatient, { messages })).toMatchObject({
      status: 504,
      body: {
        error: {
          message: 'All AI providers failed. Last error: the request took longer than 0.5 s.',
          code: 'timeout',
        },
      },
    });
    expect(stub.asked()).toEqual(['gemini']);
    const answer = heldAnswer();
    const stream = (await CompletionStream.open(impatient, { model: 'groq', messages })).listen();
    const response = await answer;
    const tick = setInterval(() => response.write(chunk('more ')), 50);
    await closed(response);
    clearInterval(tick);
    await eventually('the stream has ended', () =>
      Promise.resolve(stream.ended === 'done' ? true : undefined),
    );
    expect(stream.data.at(-1).error.code).toBe('timeout');
    const { rows } = await fixture.sql.query('select errors from gateway.provider_health where errors > 0');
    expect(rows).toEqual([]);
  });
});

it('ends what is under way when the gateway shuts down, with a word', async () => {
  const leaving = await start();
  const answer = heldAnswer();
  const stream = (await CompletionStream.open(leaving, { model: 'groq', messages })).listen();
  const response = await answer;
  await eventually('it has begun', () => Promise.resolve(stream.text === 'begun ' ? true : undefined));
  await leaving.close();
  await closed(response);
  await eventually('the stream has ended', () => Promise.resolve(stream.ended === 'done' ? true : undefined));
  expect(stream.data.at(-1)).toMatchObject({ error: { message: 'The gateway is shutting down.' } });
});
