import { type Dispatcher } from 'undici';
import { type ProviderName } from '../domain/catalogue.js';
import { type ProviderSettings } from '../providers.config.js';
import { anthropicFormat } from '../wire/anthropic.js';
import { geminiFormat } from '../wire/gemini.js';
import { ollamaFormat } from '../wire/ollama.js';
import { openAiFormat } from '../wire/openai.js';
import { type WireFormat } from '../wire/wire-format.js';
import { type Adapter } from './adapter.js';
import { ExecutorAdapter, type OllamaAction } from './executor-adapter.js';
import { HttpAdapter } from './http-adapter.js';

type HeadersOf = (key: string) => Readonly<Record<string, string>>;

const bearer: HeadersOf = (key) => ({ authorization: `Bearer ${key}` });

/** How each provider is spoken to, and how it is told who calls. */
const protocols: Readonly<
  Record<ProviderName, { readonly format: WireFormat; readonly headers: HeadersOf }>
> = {
  gemini: { format: geminiFormat, headers: (key) => ({ 'x-goog-api-key': key }) },
  groq: { format: openAiFormat({ maxTokens: 'max_completion_tokens' }), headers: bearer },
  openrouter: { format: openAiFormat({ maxTokens: 'max_tokens' }), headers: bearer },
  deepseek: { format: openAiFormat({ maxTokens: 'max_tokens' }), headers: bearer },
  openai: { format: openAiFormat({ maxTokens: 'max_completion_tokens' }), headers: bearer },
  claude: {
    format: anthropicFormat,
    headers: (key) => ({ 'x-api-key': key, 'anthropic-version': '2023-06-01' }),
  },
  ollama: { format: ollamaFormat, headers: () => ({}) },
};

/** The way to a provider that is registered. */
export function adapterOf(
  { name, baseUrl, apiKey }: ProviderSettings,
  connections: Dispatcher,
  ollama: OllamaAction,
): Adapter {
  if (baseUrl === undefined) return new ExecutorAdapter(ollama);
  const { format, headers } = protocols[name];
  return new HttpAdapter(connections, { baseUrl, headers: headers(apiKey ?? ''), secret: apiKey, format });
}
