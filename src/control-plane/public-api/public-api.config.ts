import { readFileSync } from 'node:fs';
import { ConfigError } from '../../platform/config/config-error.js';
import { type Env } from '../../platform/config/env.js';
import { type ConfiguredKey, readConfiguredKey } from './domain/configured-key.js';
import { type PriceRule, readPrices } from './domain/price.js';

export interface PublicApiConfig {
  readonly keys: readonly ConfiguredKey[];
  /** Of keys that have no limit of their own; 0 or less: none. */
  readonly ratePerMinute: number;
  readonly corsOrigin: string;
  /** Where callers reach the API; undefined: as they say. */
  readonly url: string | undefined;
  /** Undefined: nothing can be paid for. */
  readonly facilitatorUrl: string | undefined;
  readonly facilitatorToken: string | undefined;
  readonly facilitatorTimeoutMs: number;
  readonly prices: readonly PriceRule[];
}

/**
 * The settings of the public API. Throws {@link ConfigError} where going on would give away what has a price; a key that
 * cannot be read is left out with a warning that does not show it.
 */
export function publicApiConfig(env: Env): PublicApiConfig {
  const entries = env.listOf(
    'SKYCLAW_PUBLIC_API_KEYS',
    'key:label:cap1|cap2[:shell]',
    (entry) => readConfiguredKey(entry) !== null,
  );
  const facilitatorUrl = urlOf(env, 'SKYCLAW_X402_FACILITATOR_URL');
  const prices = env.isSet('SKYCLAW_X402_PRICES') ? pricesOf(env.text('SKYCLAW_X402_PRICES')) : [];
  if (prices.length > 0 && facilitatorUrl === undefined) {
    throw new ConfigError(
      'SKYCLAW_X402_PRICES is set, but nobody could take a payment. Set SKYCLAW_X402_FACILITATOR_URL.',
    );
  }
  return {
    keys: entries.map(readConfiguredKey).filter((key) => key !== null),
    ratePerMinute: env.integer('SKYCLAW_PUBLIC_RATE_LIMIT_PER_MIN'),
    corsOrigin: env.text('SKYCLAW_PUBLIC_CORS_ORIGIN'),
    url: urlOf(env, 'SKYCLAW_PUBLIC_URL'),
    facilitatorUrl,
    facilitatorToken: env.isSet('SKYCLAW_X402_FACILITATOR_TOKEN')
      ? env.text('SKYCLAW_X402_FACILITATOR_TOKEN')
      : undefined,
    facilitatorTimeoutMs: env.integer('SKYCLAW_X402_TIMEOUT_MS', { min: 100, max: 120_000 }),
    prices,
  };
}

function urlOf(env: Env, name: 'SKYCLAW_X402_FACILITATOR_URL' | 'SKYCLAW_PUBLIC_URL'): string | undefined {
  if (!env.isSet(name)) return undefined;
  const text = env.text(name);
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '') {
    throw new ConfigError(`${name} must be an http(s) URL without credentials or a query.`);
  }
  return url.href.replace(/\/+$/, '');
}

/** JSON begins with a bracket; anything else is the path of a file. */
function pricesOf(setting: string): readonly PriceRule[] {
  try {
    const text = /^\s*[[{]/.test(setting) ? setting : readFileSync(setting, 'utf8');
    const read = readPrices(JSON.parse(text) as unknown);
    if (read.ok) return read.rules;
    throw new Error(read.why);
  } catch (error) {
    throw new ConfigError(
      `SKYCLAW_X402_PRICES cannot be read: ${(error as Error).message}. Jobs are not given away: mend it, or unset it.`,
      { cause: error },
    );
  }
}
