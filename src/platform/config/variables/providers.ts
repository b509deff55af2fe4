import { type Variable } from './variable.js';

/** What a feature of the gateway reads to reach language models. */
export const providerVariables = {
  AI_PROVIDER_PRIORITY: {
    group: 'model providers',
    about:
      'The order in which providers are asked, separated by , or ;. Those left out follow in the usual order.',
    default: 'gemini,groq,openrouter,deepseek,openai,claude,ollama',
  },
  GEMINI_ONLY_MODE: { group: 'model providers', about: '1 registers gemini and no other.', default: '0' },
  GOOGLE_AI_API_KEY: { group: 'model providers', about: 'Registers gemini.', secret: true },
  GROQ_API_KEY: { group: 'model providers', about: 'Registers groq.', secret: true },
  OPENROUTER_API_KEY: { group: 'model providers', about: 'Registers openrouter.', secret: true },
  DEEPSEEK_API_KEY: { group: 'model providers', about: 'Registers deepseek.', secret: true },
  OPENAI_API_KEY: { group: 'model providers', about: 'Registers openai.', secret: true },
  ANTHROPIC_API_KEY: { group: 'model providers', about: 'Registers claude.', secret: true },
  GEMINI_MODEL: { group: 'model providers', about: 'The model of gemini.', default: 'gemini-2.0-flash' },
  OLLAMA_DEFAULT_MODEL: {
    group: 'model providers',
    about: 'The model of ollama.',
    default: 'qwen2.5-coder:7b',
  },
  OPENROUTER_MODEL: {
    group: 'model providers',
    about: 'The first model of the chain at openrouter; openrouter/auto is the default.',
    default: 'qwen/qwen3-next-80b-a3b-instruct:free',
  },
  OPENROUTER_FALLBACK_MODELS: {
    group: 'model providers',
    about: 'The other models of the chain at openrouter, in the order in which they are tried.',
    default: [
      'qwen/qwen3-vl-235b-a22b-thinking',
      'openai/gpt-oss-120b:free',
      'qwen/qwen3-coder:free',
      'google/gemma-3n-e2b-it:free',
      'deepseek/deepseek-r1-0528:free',
      'meta-llama/llama-3.3-70b-instruct:free',
    ].join(','),
  },
  GEMINI_BASE_URL: {
    group: 'model providers',
    about: 'Where gemini is called, with the version of its API or without.',
    default: 'https://generativelanguage.googleapis.com/v1beta',
  },
  GROQ_BASE_URL: {
    group: 'model providers',
    about: 'Where groq is called: /chat/completions lies below it.',
    default: 'https://api.groq.com/openai/v1',
  },
  OPENROUTER_BASE_URL: {
    group: 'model providers',
    about: 'Where openrouter is called: /chat/completions lies below it.',
    default: 'https://openrouter.ai/api/v1',
  },
  DEEPSEEK_BASE_URL: {
    group: 'model providers',
    about: 'Where deepseek is called: /chat/completions lies below it.',
    default: 'https://api.deepseek.com',
  },
  OPENAI_BASE_URL: {
    group: 'model providers',
    about: 'Where openai is called: /chat/completions lies below it.',
    default: 'https://api.openai.com/v1',
  },
  ANTHROPIC_BASE_URL: {
    group: 'model providers',
    about: 'Where claude is called, with the version of its API or without.',
    default: 'https://api.anthropic.com',
  },
  OLLAMA_BASE_URL: {
    group: 'model providers',
    about:
      'Where ollama is called, /api/chat lies below it: by the gateway itself, and by ollama_chat. Unset: the gateway asks ' +
      'through an agent, and ollama_chat asks http://127.0.0.1:11434.',
  },
} as const satisfies Record<string, Variable>;
