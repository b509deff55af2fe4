import { randomBytes } from 'node:crypto';
import type http from 'node:http';
import { type Json } from '../support/json.js';
import { reply, StubServer } from '../support/stub-server.js';

/** What the facilitator does with one call, beside remembering it. */
export type Doing =
  /** As a real one: verifies what was not taken, takes it once. */
  | 'as-usual'
  /** Does it, and closes the connection without an answer. */
  | 'and-drop'
  /** Closes the connection, and does nothing. */
  | 'drop'
  /** Does it, and never answers. */
  | 'and-hang'
  /** Never answers, and does nothing. */
  | 'hang'
  | { readonly status: number; readonly body?: unknown; readonly headers?: Record<string, string> }
  /** Does it, and answers when the promise resolves. */
  | { readonly until: Promise<void>; readonly first: 'take' | 'wait' };

export interface SeenCall {
  readonly path: string;
  readonly body: Json;
  readonly authorization: string | undefined;
}

/** An x402 facilitator that takes each authorization once, like the chain, and does as it is told. */
export class Facilitator extends StubServer {
  readonly calls: SeenCall[] = [];
  /** How often each authorization was taken: by its nonce. */
  readonly taken = new Map<string, string>();
  /** The next calls of each path; when they are used up, as usual. */
  readonly script: Record<'verify' | 'settle', Doing[]> = { verify: [], settle: [] };
  /** Whether a payment that was taken is told again, or refused as the chain refuses a used nonce. */
  remembers = true;

  of(path: 'verify' | 'settle', nonce?: string): SeenCall[] {
    return this.calls.filter(
      (call) => call.path === `/${path}` && (nonce === undefined || nonceOf(call.body) === nonce),
    );
  }

  protected async serve(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    text: string,
  ): Promise<void> {
    const body = JSON.parse(text);
    const { url: path = '', headers } = request;
    this.calls.push({ path, body, authorization: headers.authorization });
    const verb = path === '/verify' ? 'verify' : 'settle';
    const doing = this.script[verb].shift() ?? 'as-usual';
    const answer = () => (verb === 'verify' ? this.verify(body) : this.settle(body));
    if (doing === 'drop') response.socket?.destroy();
    else if (doing === 'hang') return;
    else if (doing === 'and-hang') answer();
    else if (doing === 'and-drop') {
      answer();
      response.socket?.destroy();
    } else if (doing === 'as-usual') reply(response, 200, answer());
    else if ('status' in doing) reply(response, doing.status, doing.body ?? {}, doing.headers);
    else {
      const early = doing.first === 'take' ? answer() : undefined;
      await doing.until;
      reply(response, 200, early ?? answer());
    }
  }

  private verify(body: Json): object {
    const refusal = refusalOf(body);
    if (refusal !== null) return { isValid: false, invalidReason: refusal, payer: '0xpayer' };
    if (this.taken.has(nonceOf(body))) return { isValid: false, invalidReason: 'nonce_used' };
    return { isValid: true, payer: '0xpayer' };
  }

  private settle(body: Json): object {
    const { network } = body.paymentRequirements;
    const refusal = refusalOf(body);
    if (refusal !== null) return { success: false, errorReason: refusal, transaction: '', network };
    const nonce = nonceOf(body);
    const known = this.taken.get(nonce);
    if (known !== undefined && !this.remembers) {
      return { success: false, errorReason: 'invalid_transaction_state', transaction: '', network };
    }
    const transaction = known ?? `0x${randomBytes(32).toString('hex')}`;
    this.taken.set(nonce, transaction);
    return { success: true, transaction, network, payer: '0xpayer' };
  }
}

function nonceOf(body: Json): string {
  return String(body.paymentPayload.payload.authorization.nonce).toLowerCase();
}

/** The signature says what is wrong with a payment. */
function refusalOf(body: Json): string | null {
  const [, reason] = /^bad:(.*)$/.exec(String(body.paymentPayload.payload.signature)) ?? [];
  return reason ?? null;
}

/** What jobs cost in the tests. */
export const PRICE = {
  network: 'base-sepolia',
  amount: '10000',
  asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
  payTo: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  extra: { name: 'USDC', version: '2' },
};

export const newNonce = (): string => `0x${randomBytes(32).toString('hex')}`;

const authorization = (nonce: string) => ({
  from: '0x857b06519E91e3A54538791bDbb0E22373e36b66',
  to: PRICE.payTo,
  value: PRICE.amount,
  validAfter: '0',
  validBefore: '9999999999',
  nonce,
});

const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64');

/** The header of a payment by version 1. */
export function paidV1(nonce = newNonce(), signature = '0xgood'): { 'x-payment': string } {
  const payload = { signature, authorization: authorization(nonce) };
  const payment = { x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload };
  return { 'x-payment': base64(payment) };
}

/** The header of a payment by version 2. */
export function paidV2(nonce = newNonce(), more: object = {}): { 'payment-signature': string } {
  const { amount, asset, payTo, extra } = PRICE;
  const accepted = {
    ...{ scheme: 'exact', network: 'eip155:84532', amount, asset, payTo, maxTimeoutSeconds: 60, extra },
    ...more,
  };
  const payload = { signature: '0xgood', authorization: authorization(nonce) };
  return { 'payment-signature': base64({ x402Version: 2, accepted, payload }) };
}

export function decoded(header: string | undefined): Json {
  return JSON.parse(Buffer.from(header ?? '', 'base64').toString('utf8'));
}
