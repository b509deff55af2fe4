/** Why one address has not answered. */
export interface Trouble {
  readonly text: string;
  /** Whether the request may have come through: only the answer is known to be missing. */
  readonly mayHaveArrived: boolean;
  /** It has answered, that it cannot serve now. */
  readonly isAnswer?: true;
}

/** Codes of failures that come before the first byte of a request is sent. */
const BEFORE_SENDING: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name cannot be resolved now',
  EHOSTUNREACH: 'no way to this host',
  ENETUNREACH: 'no way to this network',
  EADDRNOTAVAIL: 'no way to this address',
  UND_ERR_CONNECT_TIMEOUT: 'no connection within 10 s',
};

/** Reads the error of a `fetch` that has failed. */
export function brokenOff(error: unknown): Trouble {
  if (!(error instanceof Error)) return { text: String(error), mayHaveArrived: true };
  if (error.name === 'TimeoutError') return { text: 'no answer within 30 s', mayHaveArrived: true };
  const cause = firstCause(error);
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const known = BEFORE_SENDING[code];
  if (known !== undefined) return { text: known, mayHaveArrived: false };
  const isTls = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code);
  return { text: code === '' ? cause.message : `${code}: ${cause.message}`, mayHaveArrived: !isTls };
}

/** The innermost error; of a host with several addresses, the one of the first address. */
function firstCause(error: Error): Error {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return firstCause(error.errors[0]);
  return error.cause instanceof Error ? firstCause(error.cause) : error;
}
