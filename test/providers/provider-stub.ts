import { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { type ProviderName, providerNames } from '../../src/gateway/providers/domain/catalogue.js';
import { type Json } from '../support/json.js';
import { StubServer } from '../support/stub-server.js';
import { fail, type Said, say } from './wire.js';

export interface Received {
  readonly provider: ProviderName;
  /** Below the base URL. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Json;
  readonly isStream: boolean;
  readonly model: string;
  readonly response: ServerResponse;
}

type Handler = (received: Received) => void | Promise<void>;

const KEYS: Readonly<Record<Exclude<ProviderName, 'ollama'>, string>> = {
  gemini: 'GOOGLE_AI_API_KEY',
  groq: 'GROQ_API_KEY',
  openrouter: 'OPENROUTER_API_KEY',
  deepseek: 'DEEPSEEK_API_KEY',
  openai: 'OPENAI_API_KEY',
  claude: 'ANTHROPIC_API_KEY',
};

/** All seven providers on one port, each below a path of its own. They answer `<name> says hello.` until told otherwise. */
export class ProviderStub extends StubServer {
  readonly received: Received[] = [];
  private readonly handlers = new Map<ProviderName, Handler>();

  /** The settings with which a gateway finds these providers, and no others. */
  env(...providers: readonly ProviderName[]): Record<string, string> {
    return Object.fromEntries(
      providers.flatMap((name) => {
        const base = [
          `${name === 'claude' ? 'ANTHROPIC' : name.toUpperCase()}_BASE_URL`,
          `${this.url}/${name}`,
        ];
        return name === 'ollama' ? [base] : [base, [KEYS[name], secretOf(name)]];
      }),
    ) as Record<string, string>;
  }

  on(provider: ProviderName, handler: Handler): void {
    this.handlers.set(provider, handler);
  }

  says(provider: ProviderName, said: Said): void {
    this.on(provider, ({ response, isStream }) => say(provider, response, said, isStream));
  }

  fails(provider: ProviderName, status: number): void {
    this.on(provider, ({ response }) => fail(provider, response, status));
  }

  reset(): void {
    this.handlers.clear();
    this.received.length = 0;
  }

  /** The models that were asked for, in order, of one provider or of all. */
  asked(provider?: ProviderName): string[] {
    return this.received
      .filter((one) => provider === undefined || one.provider === provider)
      .map((one) => (provider === undefined ? one.provider : one.model));
  }

  last(): Received {
    const last = this.received.at(-1);
    if (last === undefined) throw new Error('Nobody was asked.');
    return last;
  }

  protected override async serve(
    request: IncomingMessage,
    response: ServerResponse,
    text: string,
  ): Promise<void> {
    const [, name, path = ''] = /^\/([a-z]+)(\/.*)$/.exec(request.url ?? '') ?? [];
    const provider = providerNames.find((known) => known === name);
    if (provider === undefined) throw new Error(`Nobody is at ${request.url ?? ''}.`);
    const body: Json = JSON.parse(text);
    const inPath = /\/models\/([^:]+):(\w+)/.exec(path);
    const received: Received = {
      provider,
      path,
      headers: request.headers,
      body,
      isStream: inPath === null ? body.stream === true : inPath[2] === 'streamGenerateContent',
      model: inPath === null ? body.model : decodeURIComponent(inPath[1] ?? ''),
      response,
    };
    this.received.push(received);
    const handler = this.handlers.get(provider);
    if (handler === undefined)
      say(provider, response, { text: `${provider} says hello.` }, received.isStream);
    else await handler(received);
  }
}

export function secretOf(provider: ProviderName): string {
  return `secret-key-of-${provider}`;
}
