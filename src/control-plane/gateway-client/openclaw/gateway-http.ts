import { type Agent, type Dispatcher, request as send } from 'undici';
import { jsonOrUndefined, readBounded } from '../../../platform/http/reply-body.js';
import { describe } from '../domain/outcome.js';
import { type GatewayAddress } from '../gateway-protocol.js';
import { type AccessService } from './access.service.js';
import { type HttpReply } from './domain/http-refusal.js';
import { isObject } from './domain/json.js';
import { type Links } from './links.js';

const MAX_REPLY_BYTES = 4 * 1_048_576;

export { type HttpReply } from './domain/http-refusal.js';

/** An answer that comes in pieces, or one that does not. */
export type Streamed =
  | { readonly kind: 'stream'; readonly body: AsyncIterable<Buffer> }
  | { readonly kind: 'reply'; readonly reply: HttpReply };

export interface HttpRequest {
  readonly path: string;
  /** Sent as JSON by POST; without one it is a GET. */
  readonly payload?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The HTTP face of a gateway: looks, calls of tools, and turns where there is no WebSocket. */
export class GatewayHttp {
  constructor(
    private readonly agent: Agent,
    private readonly links: Links,
    private readonly access: AccessService,
  ) {}

  /** Follows no redirect, and says nothing of whom it calls for. Throws what went wrong on the way. */
  async call(gateway: GatewayAddress, request: HttpRequest, signal: AbortSignal): Promise<HttpReply> {
    return replyOf(await this.send(gateway, request, signal));
  }

  /** The same for an answer that comes in pieces, if it is one. */
  async stream(gateway: GatewayAddress, request: HttpRequest, signal: AbortSignal): Promise<Streamed> {
    const response = await this.send(gateway, request, signal);
    const type = response.headers['content-type'];
    const isStream = typeof type === 'string' && type.startsWith('text/event-stream');
    return response.statusCode === 200 && isStream
      ? { kind: 'stream', body: response.body }
      : { kind: 'reply', reply: await replyOf(response) };
  }

  private async send(
    gateway: GatewayAddress,
    { path, payload, headers = {} }: HttpRequest,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const url = this.links.urlOf(gateway);
    const { credential, deviceToken } = await this.access.of(gateway);
    const token = credential === '' ? (deviceToken ?? '') : credential;
    return send(`${url}${path}`, {
      dispatcher: this.agent,
      method: payload === undefined ? 'GET' : 'POST',
      signal,
      headers: {
        accept: 'application/json',
        ...headers,
        ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(payload === undefined ? {} : { body: JSON.stringify(payload) }),
    });
  }
}

async function replyOf({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<HttpReply> {
  const seconds = Number(headers['retry-after']);
  return {
    status: statusCode,
    body: jsonOrUndefined(await readBounded(body, MAX_REPLY_BYTES)),
    retryAfterMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : null,
  };
}

/** A short text for what a look over HTTP met. */
export const describeReply = ({ status, body }: HttpReply): string => {
  const failing = isObject(body) && Array.isArray(body['failing']) ? body['failing'] : [];
  const names = failing.map((entry) => (typeof entry === 'string' ? entry : describe(JSON.stringify(entry))));
  return names.length === 0 ? `GET /readyz answered ${status}` : `not ready: ${names.join(', ')}`;
};
