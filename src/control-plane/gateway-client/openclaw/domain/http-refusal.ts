import { type DispatchOutcome } from '../../domain/outcome.js';
import { isObject, objectIn, textIn } from './json.js';

/** An answer over HTTP. `body` is undefined when it is not JSON, as errors of proxies are not. */
export interface HttpReply {
  readonly status: number;
  readonly body: unknown;
  readonly retryAfterMs: number | null;
}

/** What an answer that is no success says is wrong. */
export const errorIn = ({ status, body }: HttpReply): string =>
  textIn(objectIn(body, 'error'), 'message') || `HTTP ${status}`;

/**
 * What a status other than 200 comes to; null for 200. A 401 is our token, unless the gateway's own model provider has
 * refused: a refusal of our token is no word on the task.
 */
export function refusalOf(reply: HttpReply): DispatchOutcome | null {
  const { status, body, retryAfterMs } = reply;
  if (status === 200) return null;
  const { type, code } = objectIn(body, 'error');
  const error = errorIn(reply);
  const isOurToken = status === 401 && type !== 'authentication_error';
  const isClosed = status === 503 && (code === 'gateway_unavailable' || type === 'gateway_unavailable');
  if (isOurToken || isClosed || status === 429) {
    return { kind: 'not-executed', error, transport: false, ofKey: true, retryAfterMs };
  }
  if (status >= 500) return { kind: 'unknown', error, transport: false };
  return {
    ...{ kind: 'failed', refused: true, status: 'error', error },
    result: isObject(body) ? body : {},
  };
}
