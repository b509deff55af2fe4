import { randomUUID } from 'node:crypto';
import { Agent, request } from 'undici';
import { jsonOrUndefined, readBounded } from '../../platform/http/reply-body.js';
import { type Logger } from '../../platform/logging/logger.js';
import { CoordinatorRefusal, CoordinatorUnavailable } from './coordinator-errors.js';

const MAX_REPLY_BYTES = 8 * 1_048_576;

export interface CoordinatorClientOptions {
  readonly urls: readonly string[];
  readonly token: string | undefined;
  /** How long one coordinator may take to answer. */
  readonly timeoutMs: number;
  readonly logger: Logger;
}

export interface PostOptions {
  /** The same for every try of one thing, so that it happens once. */
  readonly key?: string;
  /** How much longer than usual the answer may take. */
  readonly patienceMs?: number;
  readonly signal?: AbortSignal;
}

/** A key that no other request has. */
export function newKey(): string {
  return randomUUID();
}

/**
 * The way to the coordinators. A POST goes to the one that answered last; when it does not answer, or answers with a
 * server error, the next one is asked with the same idempotency key; too many requests are a matter of time, not of the
 * coordinator. Any other refusal counts and is thrown as a {@link CoordinatorRefusal}. Follows no redirect and reads at most 8 MiB of an answer.
 */
export class CoordinatorClient {
  /** Credential of this host, once the coordinator has given it one. */
  hostToken: string | undefined;
  private readonly agent: Agent;
  private current = 0;

  constructor(private readonly options: CoordinatorClientOptions) {
    this.agent = new Agent({
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: options.timeoutMs },
    });
  }

  /** The coordinator that is asked first. */
  get url(): string {
    return this.options.urls[this.current] ?? '';
  }

  /** Sends `body` and gives the answer to it. */
  async post(path: string, body: object, options: PostOptions = {}): Promise<unknown> {
    const { key = newKey(), patienceMs = 0, signal } = options;
    const payload = JSON.stringify(body);
    const troubles: string[] = [];
    for (let left = this.options.urls.length; left > 0; left -= 1) {
      const index = this.current;
      const url = this.url;
      const limit = AbortSignal.timeout(this.options.timeoutMs + patienceMs);
      try {
        const reply = await this.send(
          `${url}${path}`,
          payload,
          key,
          signal === undefined ? limit : AbortSignal.any([signal, limit]),
        );
        if (reply.status >= 200 && reply.status < 300) return reply.body;
        if (reply.status === 429) throw new CoordinatorUnavailable(`${url} answers 429: too many requests.`);
        if (!isTrouble(reply.status)) throw new CoordinatorRefusal(reply.status, reasonOf(reply.body));
        troubles.push(`${url} answers ${reply.status} ${reasonOf(reply.body)}`.trim());
      } catch (error) {
        if (error instanceof CoordinatorRefusal || error instanceof CoordinatorUnavailable) throw error;
        if (signal?.aborted === true) throw error;
        troubles.push(`${url}: ${limit.aborted ? 'no answer in time' : describe(error)}`);
      }
      this.moveOn(index);
    }
    throw new CoordinatorUnavailable(`No coordinator can be reached: ${troubles.join('; ')}.`);
  }

  async close(): Promise<void> {
    await this.agent.destroy();
  }

  /** Asks the next one from now on, unless another request has found that out already. */
  private moveOn(from: number): void {
    if (this.current !== from || this.options.urls.length === 1) return;
    this.current = (from + 1) % this.options.urls.length;
    this.options.logger.warn({ url: this.url }, 'The coordinator does not answer; asking the next one.');
  }

  private async send(
    url: string,
    payload: string,
    key: string,
    signal: AbortSignal,
  ): Promise<{ status: number; body: unknown }> {
    const { statusCode, body } = await request(url, {
      dispatcher: this.agent,
      method: 'POST',
      signal,
      headers: {
        accept: 'application/json',
        'content-type': 'application/json',
        'x-idempotency-key': key,
        ...(this.options.token === undefined ? {} : { 'x-skyclaw-token': this.options.token }),
        ...(this.hostToken === undefined ? {} : { 'x-skyclaw-host-token': this.hostToken }),
      },
      body: payload,
    });
    const text = await readBounded(body, MAX_REPLY_BYTES);
    return { status: statusCode, body: jsonOrUndefined(text) };
  }
}

/** Whether another coordinator, or the same one later, may answer otherwise. */
function isTrouble(status: number): boolean {
  return status >= 500 || status === 408 || (status >= 300 && status < 400);
}

function reasonOf(body: unknown): string {
  const { error, detail } = (typeof body === 'object' && body !== null ? body : {}) as Record<
    string,
    unknown
  >;
  const text = typeof error === 'string' ? error : typeof detail === 'string' ? detail : '';
  return text.slice(0, 500);
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return code ?? error.message;
}
