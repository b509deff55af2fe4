/** What an error on the way to an endpoint means. */
export type Failure =
  /** The endpoint does not take connections, or broke one before it answered. */
  | { readonly kind: 'connection'; readonly reason: string }
  /** The endpoint answered with what is no HTTP, or more of it than is let through. */
  | { readonly kind: 'bad-answer'; readonly reason: string }
  /** The request cannot be sent to anybody. */
  | { readonly kind: 'bad-request'; readonly reason: string };

const BAD_REQUEST = new Set([
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
]);
const BAD_ANSWER = new Set([
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_RESPONSE',
  'ERR_INVALID_CHAR',
  'ERR_HTTP_INVALID_STATUS_CODE',
]);

/** Reads an error by its code; the reason names nothing of the inside. */
export function failureOf(error: Error): Failure {
  const code = (error as NodeJS.ErrnoException).code ?? error.name;
  if (BAD_REQUEST.has(code)) return { kind: 'bad-request', reason: 'the request cannot be passed on' };
  if (BAD_ANSWER.has(code) || code.startsWith('HPE_')) return { kind: 'bad-answer', reason: code };
  return { kind: 'connection', reason: code };
}
