import { type FastifyRequest } from 'fastify';
import { type JsonObject } from '../../platform/database/row.js';
import { parseJsonText } from '../../platform/json/json-text.js';
import { Problem } from '../../platform/problems/problem.js';
import { type Price } from './domain/price.js';
import {
  paymentRequiredV1,
  paymentRequiredV2,
  type Presented,
  readPresented,
  type Resource,
  type X402Version,
} from './domain/x402.js';

const HEADERS = [
  ['payment-signature', 2],
  ['x-payment', 1],
] as const satisfies readonly (readonly [string, X402Version])[];

/** The payment that came with a request; null without one. Throws for a header that is none. */
export function presentedBy({ headers }: Pick<FastifyRequest, 'headers'>): Presented | null {
  for (const [name, version] of HEADERS) {
    const value = headers[name];
    if (typeof value !== 'string' || value.trim() === '') continue;
    const presented = readPresented(version, decoded(value));
    if (presented !== null) return presented;
    throw new Problem(
      'bad-request',
      `${name} is not a payment: it must be the Base64 of a JSON object of x402 version ${version}`,
    );
  }
  return null;
}

function decoded(value: string): unknown {
  try {
    return parseJsonText(Buffer.from(value, 'base64').toString('utf8'));
  } catch {
    return undefined;
  }
}

function encoded(value: JsonObject): string {
  return Buffer.from(JSON.stringify(value), 'utf8').toString('base64');
}

/** Asks for payment, in both versions of the protocol. With the facilitator's word on a payment that it refused. */
export function paymentRequired(
  price: Price,
  resource: Resource,
  error: string,
  refusal: JsonObject | null = null,
): Problem {
  return new Problem('payment-required', error, {
    members: paymentRequiredV1(price, resource, error),
    headers: {
      'payment-required': encoded(paymentRequiredV2(price, resource, error)),
      ...(refusal === null ? {} : settlementHeaders(refusal)),
    },
  });
}

/** What became of a payment, for clients of both versions. */
export function settlementHeaders(settlement: JsonObject): Record<string, string> {
  const value = encoded(settlement);
  return { 'x-payment-response': value, 'payment-response': value };
}
