import { type JsonObject } from '../../../platform/database/row.js';

/** What one attempt to execute an action came to. */
export type DispatchOutcome =
  /** It ran, and did what it should. */
  | { readonly kind: 'succeeded'; readonly status: string; readonly result: JsonObject }
  /** It ran and failed, or (`refused`) was not accepted as a request: another attempt would end the same. */
  | {
      readonly kind: 'failed';
      readonly refused: boolean;
      readonly status: string;
      readonly error: string;
      readonly result: JsonObject;
    }
  /**
   * This attempt did not run. `transport`: the gateway could not be reached at all. `ofKey`: the gateway itself says that
   * the key has not run, which covers earlier attempts with the same key as well.
   */
  | {
      readonly kind: 'not-executed';
      readonly error: string;
      readonly transport: boolean;
      readonly ofKey: boolean;
      readonly retryAfterMs: number | null;
    }
  /** It may have run, or may still be running: only the same key may be sent, and only to the same gateway. */
  | { readonly kind: 'unknown'; readonly error: string; readonly transport: boolean };

/** An answer of a gateway; `body` is undefined when it is not JSON. */
export interface GatewayReply {
  readonly status: number;
  readonly body: unknown;
  readonly retryAfterMs: number | null;
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** What an answer to `POST /action` says. Statuses decide; texts are looked at only where a status has two meanings. */
export function outcomeOfReply({ status, body, retryAfterMs }: GatewayReply): DispatchOutcome {
  if (status === 200) {
    return isObject(body)
      ? outcomeOfResult(body)
      : {
          kind: 'unknown',
          error: 'The gateway answered something that is not a JSON object.',
          transport: false,
        };
  }
  const error = (isObject(body) ? textOf(body['error']) || textOf(body['detail']) : '') || `HTTP ${status}`;
  if (saysUnknown(status, body, error)) return { kind: 'unknown', error, transport: false };
  if (status === 408 || status === 429 || status === 503) {
    return {
      kind: 'not-executed',
      error,
      transport: false,
      ofKey: outcomeField(body) === 'not_executed',
      retryAfterMs,
    };
  }
  return status >= 500
    ? { kind: 'unknown', error, transport: false }
    : { kind: 'failed', refused: true, status: 'error', error, result: isObject(body) ? body : {} };
}

function saysUnknown(status: number, body: unknown, error: string): boolean {
  if (status !== 503) return false;
  return outcomeField(body) === 'unknown' || error === 'Agent disconnected.';
}

function outcomeField(body: unknown): unknown {
  return isObject(body) ? body['outcome'] : undefined;
}

function outcomeOfResult(body: JsonObject): DispatchOutcome {
  const status = textOf(body['status']);
  const result = body;
  if (status !== 'ok' && status !== 'success') {
    const error = textOf(body['error']) || `Gateway returned non-success status: ${status || 'unknown'}`;
    return { kind: 'failed', refused: false, status: status || 'unknown', error, result };
  }
  const code = isObject(body['result']) ? body['result']['returncode'] : body['returncode'];
  if (code === undefined || code === null || code === 0) return { kind: 'succeeded', status, result };
  return {
    kind: 'failed',
    refused: false,
    status,
    error: `Command failed with exit code ${JSON.stringify(code)}`,
    result,
  };
}

/** Codes of errors that happen before a request is on the wire. Everything else may have arrived. */
const BEFORE_SENDING = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'SKYNET_HOST_REFUSED',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** What an error of the transport says. When in doubt, the action may have run. */
export function outcomeOfError(error: unknown): DispatchOutcome {
  const text = describe(error);
  return codesOf(error).some((code) => BEFORE_SENDING.has(code))
    ? { kind: 'not-executed', error: text, transport: true, ofKey: false, retryAfterMs: null }
    : { kind: 'unknown', error: text, transport: true };
}

/** The codes of an error and of what it wraps; of several attempts (IPv6, then IPv4) those of all. */
function codesOf(error: unknown): string[] {
  if (typeof error !== 'object' || error === null) return [];
  const own = 'code' in error && typeof error.code === 'string' ? [error.code] : [];
  const inner = error instanceof AggregateError ? (error.errors as unknown[]) : [];
  const cause = error instanceof Error && error.cause !== undefined ? [error.cause] : [];
  return [...own, ...inner.flatMap(codesOf), ...cause.flatMap(codesOf)];
}

/** A short text for operators: the code says more than most messages. */
export function describe(error: unknown): string {
  const [code] = codesOf(error);
  const message = error instanceof Error ? error.message : String(error);
  return code !== undefined && !message.includes(code)
    ? `${code}: ${message}`
    : message || (code ?? 'unknown error');
}
