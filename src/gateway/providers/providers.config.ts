import { type Env } from '../../platform/config/env.js';
import { type Variable, type VariableName, variables } from '../../platform/config/variables/index.js';
import { isProviderName, type ProviderName, providerNames } from './domain/catalogue.js';

/** A provider as it is configured. */
export interface ProviderSettings {
  readonly name: ProviderName;
  /** Undefined: it is reached through an executor. */
  readonly baseUrl: string | undefined;
  readonly apiKey: string | undefined;
  /** The models to try, one after the other. */
  readonly models: readonly string[];
  /** Why it is not registered, as a sentence; null when it is. */
  readonly unregistered: string | null;
}

export interface ProvidersConfig {
  /** All providers, by priority. */
  readonly providers: readonly ProviderSettings[];
  /** How long one call may take, and a streamed one may say nothing. */
  readonly callMs: number;
  /** How long a request may take over all its calls. */
  readonly requestMs: number;
  /** How long a client may take nothing of a streamed answer. */
  readonly stallMs: number;
  /** How many requests one gateway has under way at once. */
  readonly maxRequests: number;
}

const OPENROUTER_AUTO = 'openrouter/auto';

export function providersConfig(env: Env): ProvidersConfig {
  const geminiOnly = env.flag('GEMINI_ONLY_MODE');
  const settings = (
    name: ProviderName,
    key: VariableName | null,
    baseUrl: string | undefined,
    models: readonly string[],
  ): ProviderSettings => {
    const apiKey = key !== null && env.isSet(key) ? env.text(key) : undefined;
    const unregistered =
      geminiOnly && name !== 'gemini'
        ? 'GEMINI_ONLY_MODE is on.'
        : key !== null && apiKey === undefined
          ? `${key} is not set.`
          : null;
    return { name, baseUrl, apiKey, models, unregistered };
  };
  const byName: Readonly<Record<ProviderName, ProviderSettings>> = {
    gemini: settings('gemini', 'GOOGLE_AI_API_KEY', versioned(urlOf(env, 'GEMINI_BASE_URL'), 'v1beta'), [
      env.text('GEMINI_MODEL'),
    ]),
    groq: settings('groq', 'GROQ_API_KEY', urlOf(env, 'GROQ_BASE_URL'), ['llama-3.3-70b-versatile']),
    openrouter: settings(
      'openrouter',
      'OPENROUTER_API_KEY',
      urlOf(env, 'OPENROUTER_BASE_URL'),
      openRouterChain(env),
    ),
    deepseek: settings('deepseek', 'DEEPSEEK_API_KEY', urlOf(env, 'DEEPSEEK_BASE_URL'), ['deepseek-chat']),
    openai: settings('openai', 'OPENAI_API_KEY', urlOf(env, 'OPENAI_BASE_URL'), ['gpt-4o-mini']),
    claude: settings('claude', 'ANTHROPIC_API_KEY', versioned(urlOf(env, 'ANTHROPIC_BASE_URL'), 'v1'), [
      'claude-sonnet-4-20250514',
    ]),
    ollama: settings(
      'ollama',
      null,
      env.isSet('OLLAMA_BASE_URL') ? urlOf(env, 'OLLAMA_BASE_URL') : undefined,
      [env.text('OLLAMA_DEFAULT_MODEL')],
    ),
  };
  return Object.freeze({
    providers: priorityOf(env).map((name) => byName[name]),
    callMs: 60_000,
    requestMs: 180_000,
    stallMs: 30_000,
    maxRequests: 64,
  });
}

/** The providers that are named, in that order, then the others. */
function priorityOf(env: Env): readonly ProviderName[] {
  const named =
    env.optional('AI_PROVIDER_PRIORITY', `a list of ${providerNames.join(', ')}`, (raw) => {
      const names = raw
        .split(/[;,]/)
        .map((name) => name.trim().toLowerCase())
        .filter((name) => name !== '');
      return names.every(isProviderName) ? names : undefined;
    }) ?? [];
  return [...new Set([...named, ...providerNames])];
}

/** OPENROUTER_MODEL, then OPENROUTER_FALLBACK_MODELS, each model once. */
function openRouterChain(env: Env): readonly string[] {
  const head = env.text('OPENROUTER_MODEL');
  const first = head === OPENROUTER_AUTO ? variables.OPENROUTER_MODEL.default : head;
  const rest = env.list('OPENROUTER_FALLBACK_MODELS').filter((model) => model !== OPENROUTER_AUTO);
  return [...new Set([first, ...rest])];
}

type UrlVariable = Extract<VariableName, `${string}_BASE_URL`>;

/** A base URL without the slash at its end. */
function urlOf(env: Env, name: UrlVariable): string | undefined {
  const { default: usual }: Variable = variables[name];
  const given = env.optional(name, 'an http(s) URL without credentials, query and fragment', (raw) => {
    if (!URL.canParse(raw)) return undefined;
    const { protocol, username, password, search, hash, href } = new URL(raw);
    const isPlain = [username, password, search, hash].every((part) => part === '');
    return isPlain && /^https?:$/.test(protocol) ? href : undefined;
  });
  return (given ?? usual)?.replace(/\/+$/, '');
}

/** A base URL that may be given with the version of the API or without. */
function versioned(url: string | undefined, version: string): string | undefined {
  return url === undefined || /\/v\d+\w*$/.test(url) ? url : `${url}/${version}`;
}
