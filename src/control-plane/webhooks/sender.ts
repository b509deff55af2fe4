import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Agent, request } from 'undici';
import { refusalOfForeignAddress } from '../../platform/addresses/domain/address.js';
import { AddressRefusedError, lookupGuardedBy } from '../../platform/addresses/guarded-lookup.js';
import { errorCode } from '../../platform/database/errors.js';
import { productVersion } from '../../platform/product-version.js';
import { type ControlPlaneConfig } from '../config.js';
import { CONFIG } from '../runtime/index.js';
import { type AttemptResult } from './deliveries.queries.js';
import { refusalOfTarget } from './domain/target.js';
import { type SignedMessage, signatures } from './signing.js';

/** What is read of an answer, whose words count for nothing, so that the connection may be used again. */
const MAX_ANSWER_BYTES = 16_384;
const MAX_HEADER_BYTES = 16_384;
const MAX_ERROR_LENGTH = 300;

export interface SendResult extends AttemptResult {
  /** The receiver is gone for good. */
  readonly isGone: boolean;
  /** How long the receiver asks to be left alone. */
  readonly retryAfterMs: number | null;
}

/**
 * Sends messages to addresses that strangers have named. The address of every connection is judged when it is made, so a
 * name that changes its mind is refused; no redirect is followed, no proxy of the environment asked, and of an answer no
 * more is read than a little.
 */
@Injectable()
export class WebhookSender implements OnApplicationShutdown {
  private readonly agent: Agent;

  constructor(@Inject(CONFIG) private readonly config: ControlPlaneConfig) {
    const { allowedNetworks, timeoutMs } = config.webhooks;
    this.agent = new Agent({
      pipelining: 1,
      maxHeaderSize: MAX_HEADER_BYTES,
      // The limit of the whole attempt is ours.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: {
        timeout: timeoutMs,
        lookup: lookupGuardedBy((address) => refusalOfForeignAddress(address, allowedNetworks)),
      },
    });
  }

  /** One attempt; never throws for what the other side does. Ends with an error when `signal` fires. */
  async send(
    url: string,
    message: SignedMessage,
    secrets: readonly string[],
    signal: AbortSignal,
  ): Promise<SendResult> {
    const limit = AbortSignal.timeout(this.config.webhooks.timeoutMs);
    try {
      // A connection to a literal address asks no lookup, and settings may have changed since the webhook was made.
      const refusal = refusalOfTarget(url, this.config.webhooks);
      if (refusal !== null) throw new AddressRefusedError(`The address ${refusal}`);
      const { statusCode, headers, body } = await request(url, {
        dispatcher: this.agent,
        method: 'POST',
        signal: AbortSignal.any([signal, limit]),
        headers: {
          'content-type': 'application/json',
          'user-agent': `skynet-webhooks/${productVersion}`,
          'webhook-id': message.id,
          'webhook-timestamp': String(message.timestamp),
          'webhook-signature': signatures(message, secrets),
        },
        body: message.body,
      });
      // Whatever happens to the rest of an answer, its status has been said.
      body.on('error', () => undefined);
      await body.dump({ limit: MAX_ANSWER_BYTES, signal: limit }).catch(() => body.destroy());
      return {
        statusCode,
        error: refusalOfAnswer(statusCode),
        isGone: statusCode === 410,
        retryAfterMs: retryAfterMs(headers['retry-after']),
      };
    } catch (error) {
      const said = limit.aborted
        ? `No answer within ${this.config.webhooks.timeoutMs} ms.`
        : describe(error).slice(0, MAX_ERROR_LENGTH);
      return { statusCode: null, error: said, isGone: false, retryAfterMs: null };
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.agent.destroy();
  }
}

function refusalOfAnswer(status: number): string | null {
  if (status >= 200 && status < 300) return null;
  if (status >= 300 && status < 400)
    return `It answered ${status}; redirects are not followed, give the webhook the address itself.`;
  return status === 410 ? 'It answered 410: it is gone.' : `It answered ${status}.`;
}

/** Seconds, or a date. */
function retryAfterMs(header: string | string[] | undefined): number | null {
  if (typeof header !== 'string') return null;
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) && ms > 0 ? ms : null;
}

/** Of several addresses that could not be reached the first one tells. */
function describe(error: unknown): string {
  const first: unknown = error instanceof AggregateError && error.message === '' ? error.errors[0] : error;
  const message = first instanceof Error ? first.message : String(first);
  const code = errorCode(first);
  return code === undefined || message.includes(code) ? message : `${code}: ${message}`;
}
