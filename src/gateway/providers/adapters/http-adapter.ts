import { Agent, type Dispatcher, request } from 'undici';
import { errorCode } from '../../../platform/database/errors.js';
import { jsonOrUndefined, readBounded } from '../../../platform/http/reply-body.js';
import { type ModelCall, type ModelReply, type Piece } from '../domain/chat.js';
import { CallFailure } from '../errors.js';
import { eventDataOf, jsonLinesOf } from '../wire/framing.js';
import { type WireFormat, type WireRequest } from '../wire/wire-format.js';
import { type Adapter } from './adapter.js';
import { errorText } from './error-text.js';

const CONNECT_TIMEOUT_MS = 10_000;
const MAX_REPLY_BYTES = 16 * 1_048_576;
const MAX_ERROR_BYTES = 64 * 1_024;

export interface HttpAdapterOptions {
  readonly baseUrl: string;
  /** What goes with every call: the key, above all. */
  readonly headers: Readonly<Record<string, string>>;
  /** What must not be told in errors. */
  readonly secret?: string | undefined;
  readonly format: WireFormat;
}

/** The connections to all providers. Time is kept by who calls. */
export function providerConnections(): Agent {
  return new Agent({ connect: { timeout: CONNECT_TIMEOUT_MS }, headersTimeout: 0, bodyTimeout: 0 });
}

/** A provider that is called over HTTP. Redirects are not followed: a key goes where it was configured to, and nowhere else. */
export class HttpAdapter implements Adapter {
  constructor(
    private readonly connections: Dispatcher,
    private readonly options: HttpAdapterOptions,
  ) {}

  absence(): null {
    return null;
  }

  async complete(call: ModelCall, signal: AbortSignal): Promise<ModelReply> {
    const { format } = this.options;
    try {
      const body = await this.send(format.request(call, { stream: false }), signal);
      return format.reply(jsonOrUndefined(await readBounded(body, MAX_REPLY_BYTES)));
    } catch (error) {
      throw this.failureOf(error, signal);
    }
  }

  async *stream(call: ModelCall, signal: AbortSignal): AsyncGenerator<Piece, void> {
    const { format } = this.options;
    try {
      const body = (await this.send(
        format.request(call, { stream: true }),
        signal,
      )) as AsyncIterable<Uint8Array>;
      const reader = format.reader();
      for await (const data of format.framing === 'events' ? eventDataOf(body) : jsonLinesOf(body)) {
        yield* reader.read(data);
        if (reader.isDone) break;
      }
      const end = reader.end();
      if (end === undefined) throw new CallFailure('network', 'The answer broke off.');
      yield end;
    } catch (error) {
      throw this.failureOf(error, signal);
    }
  }

  private async send(
    { path, body }: WireRequest,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData['body']> {
    const { baseUrl, headers } = this.options;
    const answer = await request(baseUrl + path, {
      method: 'POST',
      dispatcher: this.connections,
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal,
    });
    const { statusCode: status } = answer;
    if (status >= 200 && status < 300) return answer.body;
    const text = await readBounded(answer.body, MAX_ERROR_BYTES).catch((error: unknown) => {
      // The status is known and decides; what was to explain it is not needed for that.
      if (signal.aborted) throw error;
      return '';
    });
    throw new CallFailure(status, this.withoutSecret(`HTTP ${status}: ${errorText(text)}`));
  }

  private failureOf(error: unknown, signal: AbortSignal): unknown {
    if (signal.aborted) return signal.reason;
    if (error instanceof CallFailure) {
      return new CallFailure(error.status, this.withoutSecret(error.message), { cause: error.cause });
    }
    const why = errorCode(error) ?? 'no answer';
    return new CallFailure('network', `The provider cannot be reached (${why}).`, { cause: error });
  }

  private withoutSecret(text: string): string {
    const { secret } = this.options;
    return secret === undefined ? text : text.replaceAll(secret, '***');
  }
}
