import type http from 'node:http';
import { reply, StubServer } from '../support/stub-server.js';

interface Message {
  readonly role: string;
  readonly content: unknown;
}

/**
 * A model provider in OpenAI's streaming format. The last directive in what the user has said decides: `SLEEP n` waits n
 * seconds, `EXEC command` calls the shell once.
 */
export class StubModel extends StubServer {
  /** What the user had said at each question, all messages together. */
  readonly asked: string[] = [];
  /** Answers with this status instead. */
  failsWith: number | null = null;

  /** How many questions have had this text in them. */
  count(text: string): number {
    return this.asked.filter((asked) => asked.includes(text)).length;
  }

  protected async serve(
    _request: http.IncomingMessage,
    response: http.ServerResponse,
    body: string,
  ): Promise<void> {
    const { messages = [] } = JSON.parse(body === '' ? '{}' : body) as { messages?: Message[] };
    const said = messages
      .filter(({ role }) => role === 'user')
      .map(({ content }) => JSON.stringify(content))
      .join('\n');
    this.asked.push(said);
    if (this.failsWith !== null) {
      reply(response, this.failsWith, { error: { type: 'authentication_error', message: 'bad key' } });
      return;
    }
    const seconds = [...said.matchAll(/SLEEP (\d+)/g)].at(-1)?.[1];
    if (seconds !== undefined) await this.pause(Number(seconds), response);
    const command = /EXEC ([\w/. -]+)/.exec(said)?.[1];
    const wasCalled = messages.some(({ role }) => role === 'tool');
    response.setHeader('content-type', 'text/event-stream');
    if (command !== undefined && !wasCalled) {
      const call = {
        index: 0,
        id: 'call_1',
        type: 'function',
        function: { name: 'exec', arguments: JSON.stringify({ command }) },
      };
      chunk(response, { role: 'assistant', content: null, tool_calls: [call] });
      chunk(response, {}, 'tool_calls');
    } else {
      chunk(response, { role: 'assistant', content: 'STUB OK' });
      chunk(response, {}, 'stop');
    }
    response.end('data: [DONE]\n\n');
  }

  /** As long as a slow model takes, or until whoever asked has gone. */
  private pause(seconds: number, response: http.ServerResponse): Promise<void> {
    return new Promise((done) => {
      const timer = setTimeout(done, seconds * 1_000);
      response.on('close', () => {
        clearTimeout(timer);
        done();
      });
    });
  }
}

function chunk(response: http.ServerResponse, delta: object, finish: string | null = null): void {
  const choices = [{ index: 0, delta, finish_reason: finish }];
  const body = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'stub-1', choices };
  response.write(`data: ${JSON.stringify(body)}\n\n`);
}
