import type http from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { reply, StubServer } from '../support/stub-server.js';
import { ActionsFixture } from './fixture.js';

/** A search engine and a model server that answer as they are told. */
class Web extends StubServer {
  answer: (response: http.ServerResponse) => void | Promise<void> = () => undefined;
  readonly seen: { url: string; body: string }[] = [];
  private under = 0;
  /** The most requests that were under way at once. */
  most = 0;

  protected async serve(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    body: string,
  ): Promise<void> {
    this.seen.push({ url: request.url ?? '', body });
    this.most = Math.max(this.most, ++this.under);
    await this.answer(response);
    this.under--;
  }
}

let web: Web;
let fixture: ActionsFixture;
beforeAll(async () => {
  web = await Web.start();
  fixture = new ActionsFixture({
    SKYNET_WEB_SEARCH_URL: `${web.url}/html/?kl=de-de`,
    OLLAMA_BASE_URL: web.url,
  });
});
afterEach(() => {
  web.seen.length = 0;
});
afterAll(async () => {
  await fixture.close();
  await web.close();
});

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

const html = (text: string) => (response: http.ServerResponse) => {
  reply(response, 200, text, { 'content-type': 'text/html' });
};

const result = (title: string, href: string, snippet: string, more = '') =>
  `<div class="result results_links web-result ${more}"><div class="links_main"><h2 class="result__title">
     <a rel="nofollow" class="result__a" href="${href}">${title}</a></h2>
     <a class="result__snippet" href="${href}">${snippet}</a></div></div>`;

const PAGE = `<html><body><div id="links">
  ${result('Bought', 'https://duckduckgo.com/y.js?ad=1', 'ad', 'result--ad')}
  ${result(
    'The <b>first</b> &amp; best',
    '//duckduckgo.com/l/?uddg=https%3A%2F%2Fexample.org%2Fa%3Fb%3D1%26c&amp;rut=f',
    'About\n  <b>first</b> &lt;things&gt;',
  )}
  ${result('Script', 'javascript:alert(1)', 'no')}
  ${result('Second', 'https://example.com/', '')}
  ${result('Third', 'http://example.net/x', 'third')}
  </div></body></html>`;

describe('a web search', () => {
  it('shows what was found, without advertisements and detours', async () => {
    web.answer = html(PAGE);
    expect(await fixture.act('web_search', { query: 'a & b "c"', num_results: 2 })).toEqual({
      returncode: 0,
      stdout:
        '1. The first & best\n   https://example.org/a?b=1&c\n   About first <things>\n\n' +
        '2. Second\n   https://example.com/',
      stderr: '',
    });
    const url = new URL(web.seen[0]?.url ?? '', web.url);
    expect(url.pathname).toBe('/html/');
    expect(Object.fromEntries(url.searchParams)).toEqual({ kl: 'de-de', q: 'a & b "c"' });
    expect((await fixture.act('web_search', { query: 'x' })).stdout).toContain('3. Third');
  });

  it('says when nothing was found, and when it was refused', async () => {
    web.answer = html('<html></html>');
    expect((await fixture.act('web_search', { query: 'x' })).stdout).toBe('No results.');
    web.answer = (response) => reply(response, 202, 'slow down');
    const { returncode, stderr } = await fixture.act('web_search', { query: 'x' });
    expect({ returncode, stderr }).toEqual({
      returncode: 1,
      stderr: `The search at ${new URL(web.url).host} answered 202.`,
    });
  });

  it('reads no more than it can hold, shows no more than a result may, and ends when it is told', async () => {
    web.answer = html('x'.repeat(3_000_000));
    expect((await fixture.act('web_search', { query: 'x' })).stderr).toBe(
      'The answer is larger than 2097152 bytes.',
    );
    const long = result('t'.repeat(5_000), `https://example.org/${'p'.repeat(5_000)}`, 's'.repeat(5_000));
    web.answer = html(long.repeat(20));
    const { stdout } = await fixture.act('web_search', { query: 'x', num_results: 10 });
    expect(stdout).toContain('\n10. ttt');
    expect(stdout.length).toBeLessThan(8_192);
    const abort = new AbortController();
    web.answer = () => abort.abort('emergency stop');
    expect(await fixture.act('web_search', { query: 'x' }, { signal: abort.signal })).toEqual({
      returncode: -1,
      stdout: '',
      stderr: 'Process was killed by the emergency stop.',
    });
  });

  it('is given up after 15 seconds', async () => {
    web.answer = () => undefined;
    expect(await fixture.act('web_search', { query: 'x' })).toEqual({
      returncode: -1,
      stdout: '',
      stderr: 'Process timed out after 15s and was killed.',
    });
  });
});

describe('a chat with the model on this machine', () => {
  const messages = [{ role: 'user', content: 'Hello $(x)' }];
  const says =
    (content: string, more: object = {}) =>
    (response: http.ServerResponse) => {
      reply(response, 200, {
        model: 'm',
        message: { role: 'assistant', content, ...more },
        done_reason: 'stop',
        prompt_eval_count: 3,
        eval_count: 5,
      });
    };

  it('sends what the model server knows, with the defaults', async () => {
    web.answer = says('Hi.');
    const { returncode, stdout } = await fixture.act('ollama_chat', { messages, system: 'Be brief.' });
    expect(returncode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      message: { role: 'assistant', content: 'Hi.' },
      done_reason: 'stop',
      prompt_eval_count: 3,
      eval_count: 5,
    });
    expect(web.seen[0]?.url).toBe('/api/chat');
    expect(JSON.parse(web.seen[0]?.body ?? '')).toEqual({
      model: 'qwen2.5-coder:7b',
      messages: [{ role: 'system', content: 'Be brief.' }, ...messages],
      stream: false,
      options: { num_predict: 4_096, temperature: 0 },
    });
    const tools = [{ type: 'function', function: { name: 'f' } }];
    await fixture.act('ollama_chat', { messages, model: 'm:1', tools, max_tokens: 7, temperature: 0.5 });
    expect(JSON.parse(web.seen[1]?.body ?? '')).toEqual({
      model: 'm:1',
      messages,
      tools,
      stream: false,
      options: { num_predict: 7, temperature: 0.5 },
    });
  });

  it('stays JSON with its tool calls when it is too long', async () => {
    const tool_calls = [{ function: { name: 'f', arguments: { a: 1 } } }];
    web.answer = says('"😀\n'.repeat(5_000), { tool_calls });
    const { stdout } = await fixture.act('ollama_chat', { messages });
    expect(stdout.length).toBeLessThanOrEqual(8_192);
    expect(stdout.length).toBeGreaterThan(8_150);
    expect(JSON.parse(stdout)).toMatchObject({ message: { tool_calls }, done_reason: 'stop' });
  });

  it('says what the server says against it', async () => {
    web.answer = (response) => reply(response, 404, { error: "model 'm' not found" });
    expect((await fixture.act('ollama_chat', { messages })).stderr).toBe(
      "Ollama answered 404: model 'm' not found",
    );
    web.answer = (response) => reply(response, 502, '<html>');
    expect((await fixture.act('ollama_chat', { messages })).stderr).toBe(
      'Ollama answered 502 without a JSON object.',
    );
    web.answer = (response) => reply(response, 200, {});
    expect((await fixture.act('ollama_chat', { messages })).stderr).toBe(
      'Ollama answered without a message.',
    );
  });

  it('waits for the one before, and for nothing else', async () => {
    const gate = withResolvers();
    web.most = 0;
    web.answer = async (response) => {
      await gate.promise;
      says('x')(response);
    };
    const both = [1, 2].map(() => fixture.act('ollama_chat', { messages }));
    expect((await fixture.act('list_directory', { directory: '.' })).returncode).toBe(0);
    gate.resolve();
    expect((await Promise.all(both)).map(({ returncode }) => returncode)).toEqual([0, 0]);
    expect(web.most).toBe(1);
  });
});
