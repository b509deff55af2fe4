/** The database could not be reached, or went away before it answered. The work may be tried again. */
export class DatabaseUnavailableError extends Error {
  constructor(cause: unknown) {
    super('The database is not available.', { cause });
    this.name = 'DatabaseUnavailableError';
  }
}

const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'ETIMEDOUT',
  'ENOENT',
  'EAI_AGAIN',
  'EHOSTUNREACH',
]);

/** What `pg` says without a code when a connection dies or none could be had in time. */
const CONNECTION_TEXT =
  /Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|Cannot use a pool after|not queryable|connection is closed/i;

/** The SQLSTATE or system code of a driver's error. */
export function errorCode(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** Whether `error` says that the server or the way to it is gone, as opposed to refusing what was asked. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof DatabaseUnavailableError) return true;
  const code = errorCode(error);
  // Class 08: connection; 57P01–57P03: shutting down or starting up; 53300: no connection slot left.
  if (code !== undefined && (NETWORK_CODES.has(code) || /^(08|57P0|53300)/.test(code))) return true;
  if (error instanceof AggregateError) return error.errors.some(isUnavailable);
  return error instanceof Error && CONNECTION_TEXT.test(error.message);
}

/** Serialization failure and deadlock: Postgres has undone the transaction and asks to run it again. */
export function isRetryable(error: unknown): boolean {
  const code = errorCode(error);
  return code === '40001' || code === '40P01';
}
