import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Agent, request } from 'undici';
import { errorCode } from '../../platform/database/errors.js';
import { type JsonObject } from '../../platform/database/row.js';
import { readBounded } from '../../platform/http/reply-body.js';
import { parseJsonText } from '../../platform/json/json-text.js';
import { Problem } from '../../platform/problems/problem.js';
import { type ControlPlaneConfig } from '../config.js';
import { CONFIG } from '../runtime/index.js';
import { type SettleOutcome } from './domain/settling.js';

const MAX_REPLY_BYTES = 256 * 1_024;
const MAX_REASON = 200;
const RETRY_SECONDS = 5;

/** What both calls of a facilitator are asked with. */
export interface PaymentCall {
  readonly x402Version: number;
  readonly paymentPayload: JsonObject;
  readonly paymentRequirements: JsonObject;
}

export type Verdict = { readonly isValid: true } | { readonly isValid: false; readonly reason: string };

interface Answer {
  readonly status: number;
  readonly body: JsonObject;
}

/** Errors of connections that carried nothing. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/**
 * Asks the configured x402 facilitator. Follows no redirect, reads at most 256 KiB of an answer, and waits no longer than
 * the configured limit.
 */
@Injectable()
export class FacilitatorClient implements OnApplicationShutdown {
  private readonly agent: Agent;

  constructor(@Inject(CONFIG) private readonly config: ControlPlaneConfig) {
    const { facilitatorTimeoutMs } = config.publicApi;
    this.agent = new Agent({ connect: { timeout: facilitatorTimeoutMs }, headersTimeout: 0, bodyTimeout: 0 });
  }

  /** Whether a payment is good. Throws when the facilitator does not say so; nothing is taken in any case. */
  async verify(call: PaymentCall): Promise<Verdict> {
    let answer: Answer;
    try {
      answer = await this.post('verify', call);
    } catch (error) {
      throw new Problem('facilitator-unreachable', 'the payment facilitator cannot be reached', {
        cause: error,
        retryAfterSeconds: RETRY_SECONDS,
      });
    }
    const { status, body } = answer;
    if (body['isValid'] === true && status === 200) return { isValid: true };
    // Some say what is wrong with a payment with a status of their own.
    if (body['isValid'] === false && status < 500) {
      return { isValid: false, reason: reasonIn(body, 'invalidReason') };
    }
    throw new Problem('facilitator-failed', `the payment facilitator answered ${status}`);
  }

  /** Has a payment taken. Never throws. */
  async settle(call: PaymentCall): Promise<SettleOutcome> {
    let answer: Answer;
    try {
      answer = await this.post('settle', call);
    } catch (error) {
      return NOT_SENT.has(errorCode(error) ?? '')
        ? { kind: 'not-sent', reason: 'the facilitator cannot be reached' }
        : { kind: 'unknown', reason: `the facilitator did not answer (${errorCode(error) ?? 'timeout'})` };
    }
    const { status, body } = answer;
    if (body['success'] === true && status === 200) {
      const { transaction } = body;
      return {
        kind: 'settled',
        settlement: body,
        transaction: typeof transaction === 'string' ? transaction.trim().slice(0, MAX_REASON) : '',
      };
    }
    if (body['success'] === false && status < 500) {
      return { kind: 'refused', reason: reasonIn(body, 'errorReason') };
    }
    return { kind: 'unknown', reason: `the facilitator answered ${status}` };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.agent.destroy();
  }

  private async post(path: 'verify' | 'settle', call: PaymentCall): Promise<Answer> {
    const { facilitatorUrl, facilitatorToken, facilitatorTimeoutMs } = this.config.publicApi;
    if (facilitatorUrl === undefined) {
      throw Object.assign(new Error('SKYCLAW_X402_FACILITATOR_URL is not set.'), { code: 'ENOTFOUND' });
    }
    const { statusCode, body } = await request(`${facilitatorUrl}/${path}`, {
      dispatcher: this.agent,
      method: 'POST',
      signal: AbortSignal.timeout(facilitatorTimeoutMs),
      headers: {
        accept: 'application/json',
        'content-type': 'application/json',
        ...(facilitatorToken === undefined ? {} : { authorization: `Bearer ${facilitatorToken}` }),
      },
      body: JSON.stringify(call),
    });
    return { status: statusCode, body: objectIn(await readBounded(body, MAX_REPLY_BYTES)) };
  }
}

/** An answer that is no object says nothing. */
function objectIn(text: string): JsonObject {
  try {
    const value = parseJsonText(text, { mend: true });
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
  } catch {
    return {};
  }
}

/** The facilitator's word, short and printable: it ends up in answers and in headers. */
function reasonIn(body: JsonObject, field: string): string {
  const said = body[field];
  const plain = typeof said === 'string' ? said.replace(/[^\x20-\x7e]+/g, ' ').trim() : '';
  return plain === '' ? 'no reason given' : plain.slice(0, MAX_REASON);
}
