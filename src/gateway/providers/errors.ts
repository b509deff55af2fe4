import { type FailureStatus } from './domain/failure.js';

/** Why a request got no answer. */
export type ProvidersErrorKind =
  /** The request names a model that nobody has. */
  | 'unknown-model'
  /** The request is longer than every context. */
  | 'too-long'
  /** Nobody can be asked now. */
  | 'unavailable'
  /** A provider says that the request itself is wrong. */
  | 'refused'
  /** All that could be asked have failed. */
  | 'failed'
  /** The time of the request was over. */
  | 'timeout'
  /** The caller has hung up, or the gateway shuts down. */
  | 'aborted';

/** A request without an answer; the message is for the caller and holds no secret. */
export class ProvidersError extends Error {
  readonly retryAfterSeconds: number | undefined;
  /** How the last call failed, if there was one. */
  readonly lastStatus: FailureStatus | undefined;

  constructor(
    readonly kind: ProvidersErrorKind,
    message: string,
    more: {
      readonly retryAfterSeconds?: number | undefined;
      readonly lastStatus?: FailureStatus;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, { cause: more.cause });
    this.name = 'ProvidersError';
    this.retryAfterSeconds = more.retryAfterSeconds;
    this.lastStatus = more.lastStatus;
  }
}

/** One call of a provider that failed. */
export class CallFailure extends Error {
  constructor(
    readonly status: FailureStatus,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'CallFailure';
  }
}
