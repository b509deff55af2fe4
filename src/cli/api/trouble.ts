/** Why one address has not served a request. */
export interface Trouble {
  readonly text: string;
  /** Whether the request may have been carried out: only the answer is known to be missing. */
  readonly mayHaveArrived: boolean;
  /** There is no use in asking again at once. */
  readonly nobodyThere: boolean;
  /** It has answered, that it cannot serve now. */
  readonly isAnswer: boolean;
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

/** Reads an answer of 502, 503 or 504. A proxy may have passed the request on, and a commit may wait for a standby. */
export function cannotServe(status: number, text: string): Trouble {
  return {
    text: `answers ${status}: ${text}`,
    mayHaveArrived: status !== 503 || text.startsWith('replication target not met'),
    nobodyThere: false,
    isAnswer: true,
  };
}

/** Reads the error of a `fetch` that has failed. */
export function brokenOff(error: unknown): Trouble {
  if (!(error instanceof Error)) return lost(String(error));
  if (error.name === 'TimeoutError') return lost('no answer within 30 s');
  const cause = firstCause(error);
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const known = BEFORE_SENDING[code];
  if (known !== undefined) return neverSent(known);
  const text = code === '' ? cause.message : `${code}: ${cause.message}`;
  return /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code)
    ? neverSent(text)
    : lost(text);
}

function lost(text: string): Trouble {
  return { text, mayHaveArrived: true, nobodyThere: false, isAnswer: false };
}

function neverSent(text: string): Trouble {
  return { text, mayHaveArrived: false, nobodyThere: true, isAnswer: false };
}

/** The innermost error; of a host with several addresses, the one of the first address. */
function firstCause(error: Error): Error {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return firstCause(error.errors[0]);
  return error.cause instanceof Error ? firstCause(error.cause) : error;
}
