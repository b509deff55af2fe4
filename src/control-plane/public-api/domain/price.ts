import { type JsonObject } from '../../../platform/database/row.js';

/** One way to pay for a job, in the words of x402. */
export interface Tariff {
  readonly scheme: 'exact';
  /** `base-sepolia`, or `eip155:84532`: either is read, and each version of the protocol is told its own. */
  readonly network: string;
  /** In the smallest unit of the asset. */
  readonly amount: string;
  readonly asset: string;
  readonly payTo: string;
  readonly maxTimeoutSeconds: number;
  readonly description: string;
  readonly extra: JsonObject;
}

/** What a job costs: whoever pays chooses one of the ways. Never empty. */
export type Price = readonly Tariff[];

export type ReadPrice =
  { readonly ok: true; readonly price: Price } | { readonly ok: false; readonly why: string };

const MOST_WAYS = 10;
const MAX_TEXT = 500;
const DEFAULT_TIMEOUT_SECONDS = 60;

/** A price as operators write it: `{network, amount, asset, payTo, …}`, or `{accepts: […]}` with several of them. */
export function readPrice(raw: unknown): ReadPrice {
  if (!isRecord(raw)) return { ok: false, why: 'must be an object' };
  const ways = 'accepts' in raw ? raw['accepts'] : [raw];
  if (!Array.isArray(ways) || ways.length === 0 || ways.length > MOST_WAYS) {
    return { ok: false, why: `accepts must be a list of 1 to ${MOST_WAYS} ways to pay` };
  }
  const price: Tariff[] = [];
  for (const way of ways as unknown[]) {
    const tariff = readTariff(way);
    if (typeof tariff === 'string') return { ok: false, why: tariff };
    price.push(tariff);
  }
  return { ok: true, price };
}

/** The tariff, or what is wrong with it. */
function readTariff(raw: unknown): Tariff | string {
  if (!isRecord(raw)) return 'a way to pay must be an object';
  const { scheme = 'exact', maxTimeoutSeconds = DEFAULT_TIMEOUT_SECONDS, description = '', extra = {} } = raw;
  // Other schemes may take another amount than was asked for.
  if (scheme !== 'exact') return 'scheme must be exact';
  const amount = amountOf(raw['amount'] ?? raw['maxAmountRequired']);
  if (amount === null) return 'amount must be a whole number above 0, as a text';
  const { network, asset, payTo } = raw;
  if (!isName(network)) return 'network must be a text';
  if (!isName(asset)) return 'asset must be a text';
  if (!isName(payTo)) return 'payTo must be a text';
  if (!Number.isInteger(maxTimeoutSeconds) || Number(maxTimeoutSeconds) < 1) {
    return 'maxTimeoutSeconds must be a whole number above 0';
  }
  if (typeof description !== 'string' || description.length > MAX_TEXT) {
    return `description must be a text of at most ${MAX_TEXT} characters`;
  }
  if (!isRecord(extra)) return 'extra must be an object';
  return {
    ...{ scheme, network, amount, asset, payTo },
    ...{ maxTimeoutSeconds: Number(maxTimeoutSeconds), description, extra },
  };
}

/** The price of some jobs: of those of a kind, of those that require a capability, or of all. */
export interface PriceRule {
  readonly kind: string | null;
  readonly capability: string | null;
  readonly price: Price;
}

export type ReadPrices =
  { readonly ok: true; readonly rules: readonly PriceRule[] } | { readonly ok: false; readonly why: string };

/** A price list: `[{kind?, capability?, price}]`. */
export function readPrices(raw: unknown): ReadPrices {
  if (!Array.isArray(raw)) return { ok: false, why: 'it must be a list of {kind?, capability?, price}' };
  const rules: PriceRule[] = [];
  for (const [index, entry] of (raw as unknown[]).entries()) {
    const fault = (why: string) => ({ ok: false, why: `entry ${index + 1}: ${why}` }) as const;
    if (!isRecord(entry)) return fault('must be an object');
    const { kind = null, capability = null } = entry;
    if (kind !== null && kind !== 'shell' && kind !== 'openclaw-run') {
      return fault('kind must be shell or openclaw-run');
    }
    if (capability !== null && !isName(capability)) return fault('capability must be a text');
    const read = readPrice(entry['price']);
    if (!read.ok) return fault(`price: ${read.why}`);
    rules.push({ kind, capability, price: read.price });
  }
  return { ok: true, rules };
}

/** What a job costs by a price list: what the first rule that fits says; null: nothing. */
export function priceOf(
  rules: readonly PriceRule[],
  job: { readonly kind: string; readonly capabilities: readonly string[] },
): Price | null {
  const fitting = rules.find(
    ({ kind, capability }) =>
      (kind === null || kind === job.kind) && (capability === null || job.capabilities.includes(capability)),
  );
  return fitting?.price ?? null;
}

function amountOf(raw: unknown): string | null {
  const digits = typeof raw === 'number' && Number.isSafeInteger(raw) ? String(raw) : raw;
  return typeof digits === 'string' && /^[1-9]\d{0,77}$/.test(digits) ? digits : null;
}

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.trim() !== '' && value.length <= MAX_TEXT;

const isRecord = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
