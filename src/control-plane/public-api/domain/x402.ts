import { type JsonObject } from '../../../platform/database/row.js';
import { type Price, type Tariff } from './price.js';

/** Versions of x402 that are spoken: 1 by `X-PAYMENT`, 2 by `PAYMENT-SIGNATURE`. */
export type X402Version = 1 | 2;

/** What is for sale, as both versions tell it. */
export interface Resource {
  readonly url: string;
  readonly description: string;
  readonly mimeType: string;
}

export interface RequirementV1 {
  readonly scheme: string;
  readonly network: string;
  readonly maxAmountRequired: string;
  readonly resource: string;
  readonly description: string;
  readonly mimeType: string;
  readonly payTo: string;
  readonly maxTimeoutSeconds: number;
  readonly asset: string;
  readonly extra: JsonObject;
}

export interface RequirementV2 {
  readonly scheme: string;
  readonly network: string;
  readonly amount: string;
  readonly asset: string;
  readonly payTo: string;
  readonly maxTimeoutSeconds: number;
  readonly extra: JsonObject;
}

export type Requirement = RequirementV1 | RequirementV2;

/** Networks that version 1 calls by a name and version 2 by CAIP-2. Others are called alike in both. */
const NETWORKS: Readonly<Record<string, string>> = {
  base: 'eip155:8453',
  'base-sepolia': 'eip155:84532',
  avalanche: 'eip155:43114',
  'avalanche-fuji': 'eip155:43113',
  polygon: 'eip155:137',
  'polygon-amoy': 'eip155:80002',
  sei: 'eip155:1329',
  'sei-testnet': 'eip155:1328',
  iotex: 'eip155:4689',
  peaq: 'eip155:3338',
  solana: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp',
  'solana-devnet': 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1',
};

function networkIn(version: X402Version, network: string): string {
  if (version === 2) return NETWORKS[network] ?? network;
  return Object.entries(NETWORKS).find(([, id]) => id === network)?.[0] ?? network;
}

const DESCRIPTION = 'A job';

export function requirementV1(tariff: Tariff, { url, mimeType }: Resource): RequirementV1 {
  const { scheme, amount, description, payTo, maxTimeoutSeconds, asset, extra } = tariff;
  return {
    scheme,
    network: networkIn(1, tariff.network),
    maxAmountRequired: amount,
    resource: url,
    description: description === '' ? DESCRIPTION : description,
    ...{ mimeType, payTo, maxTimeoutSeconds, asset, extra },
  };
}

export function requirementV2(tariff: Tariff): RequirementV2 {
  const { scheme, amount, asset, payTo, maxTimeoutSeconds, extra } = tariff;
  const network = networkIn(2, tariff.network);
  return { ...{ scheme, network, amount, asset, payTo, maxTimeoutSeconds, extra } };
}

/** The body of a 402 answer: version 1. */
export function paymentRequiredV1(price: Price, resource: Resource, error: string): JsonObject {
  return { x402Version: 1, error, accepts: price.map((tariff) => requirementV1(tariff, resource)) };
}

/** What the header `PAYMENT-REQUIRED` says, in Base64: version 2. */
export function paymentRequiredV2(price: Price, resource: Resource, error: string): JsonObject {
  const description = price[0]?.description ?? '';
  return {
    x402Version: 2,
    error,
    resource: { ...resource, ...(description === '' ? {} : { description }) },
    accepts: price.map(requirementV2),
  };
}

/** A payment that came with a request, as far as its form goes: whether it is good is the facilitator's to say. */
export interface Presented {
  readonly version: X402Version;
  /** As it was sent. */
  readonly payload: JsonObject;
  readonly scheme: string;
  readonly network: string;
  /** What the scheme needs to take it. */
  readonly authority: JsonObject;
}

/** A decoded header; null when it is no payment of that version. */
export function readPresented(version: X402Version, raw: unknown): Presented | null {
  if (!isRecord(raw) || raw['x402Version'] !== version) return null;
  const chosen = version === 1 ? raw : raw['accepted'];
  const authority = raw['payload'];
  if (!isRecord(chosen) || !isRecord(authority)) return null;
  const { scheme, network } = chosen;
  if (typeof scheme !== 'string' || typeof network !== 'string') return null;
  return { version, payload: raw, scheme, network, authority };
}

/** Which of the ways to pay a payment takes; null: none that is offered. */
export function requirementFor(
  { version, scheme, network, payload }: Presented,
  price: Price,
  resource: Resource,
): Requirement | null {
  if (version === 1) {
    const offered = price.map((tariff) => requirementV1(tariff, resource));
    return offered.find((one) => one.scheme === scheme && one.network === network) ?? null;
  }
  const { accepted } = payload;
  return (
    price.map(requirementV2).find((one) => {
      const said = accepted as JsonObject;
      return (['scheme', 'network', 'amount', 'asset', 'payTo'] as const).every(
        (field) => said[field] === one[field],
      );
    }) ?? null
  );
}

/**
 * What makes a payment this one and no other, however the rest of it is written: the nonce of the payer's authorization,
 * which can be used once. Of other schemes' payloads it is the whole of what authorizes it.
 */
export function identityOf({ authority }: Presented): readonly unknown[] {
  for (const kind of ['authorization', 'permit2Authorization'] as const) {
    const said = authority[kind];
    if (!isRecord(said)) continue;
    const { from, nonce } = said;
    if (typeof from === 'string' && typeof nonce === 'string') {
      return [kind, from.trim().toLowerCase(), nonce.trim().toLowerCase()];
    }
  }
  return ['payload', authority];
}

const isRecord = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
