/** What is known of a provider before it is asked. */
export interface ProviderTraits {
  /** Answered requests a UTC day; null is no limit. */
  readonly perDay: number | null;
  /** Calls in any 60 s; null is no limit. */
  readonly perMinute: number | null;
  /** Tokens of a request and its answer. */
  readonly contextTokens: number;
  /** Whether its models can ask for tools. */
  readonly tools: boolean;
}

/** All providers, in the order of priority that holds when none is configured. */
export const providerTraits = {
  gemini: { perDay: 1_500, perMinute: 15, contextTokens: 1_048_576, tools: true },
  groq: { perDay: 14_400, perMinute: 30, contextTokens: 131_072, tools: true },
  openrouter: { perDay: 200, perMinute: 20, contextTokens: 1_000_000, tools: true },
  deepseek: { perDay: 500, perMinute: 10, contextTokens: 64_000, tools: true },
  openai: { perDay: 200, perMinute: 10, contextTokens: 128_000, tools: true },
  claude: { perDay: 100, perMinute: 5, contextTokens: 200_000, tools: true },
  ollama: { perDay: null, perMinute: null, contextTokens: 32_768, tools: true },
} as const satisfies Record<string, ProviderTraits>;

export type ProviderName = keyof typeof providerTraits;

export const providerNames = Object.keys(providerTraits) as readonly ProviderName[];

export function isProviderName(value: unknown): value is ProviderName {
  return providerNames.includes(value as ProviderName);
}
