import { once } from 'node:events';
import http from 'node:http';
import { type Json } from '../support/json.js';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Json;
}

/** Asks for an answer as a whole. */
export async function complete(
  at: { readonly url: string },
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${at.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** A client of a streamed answer that can stop listening, and hang up. */
export class CompletionStream {
  /** All data that came, `[DONE]` included. */
  readonly data: Json[] = [];
  ended: 'open' | 'done' | 'cut' = 'open';
  private rest = '';

  private constructor(readonly response: http.IncomingMessage) {
    response.setEncoding('utf8');
    response.on('end', () => (this.ended = 'done'));
    response.on('error', () => (this.ended = 'cut'));
  }

  /** Resolves with the head of the answer; nothing of its body is read before {@link listen}. */
  static async open(at: { readonly url: string }, body: object): Promise<CompletionStream> {
    const request = http.request(`${at.url}/v1/chat/completions`, { method: 'POST', agent: false });
    request.on('error', () => undefined);
    request.end(JSON.stringify({ stream: true, ...body }));
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    return new CompletionStream(response);
  }

  listen(): this {
    this.response.on('data', (chunk: string) => {
      const events = (this.rest + chunk).split('\n\n');
      this.rest = events.pop() ?? '';
      for (const event of events) {
        const text = event.replace(/^data: /, '');
        this.data.push(text === '[DONE]' ? text : JSON.parse(text));
      }
    });
    return this;
  }

  /** Listens to the end. */
  async whole(): Promise<this> {
    this.listen();
    if (this.ended === 'open') await once(this.response, 'close');
    return this;
  }

  hangUp(): void {
    this.response.destroy();
  }

  get provider(): unknown {
    return this.response.headers['x-skynet-provider'];
  }

  get text(): string {
    return this.data
      .map((chunk) => (chunk.choices?.[0]?.delta?.content as string | undefined) ?? '')
      .join('');
  }

  /** The tool calls as a client puts them together. */
  get toolCalls(): Json[] {
    const calls: Json[] = [];
    for (const part of this.data.flatMap((chunk): Json => chunk.choices?.[0]?.delta?.tool_calls ?? [])) {
      const { index, id, function: called } = part;
      const known = (calls[index] ??= { id, name: called.name, arguments: '' });
      known.arguments = `${String(known.arguments)}${String(called.arguments)}`;
    }
    return calls;
  }
}
