import { ConfigError } from '../platform/config/config-error.js';
import { DatabaseUnavailableError, errorCode } from '../platform/database/errors.js';
import { EmbeddedPostgresError } from '../platform/embedded-postgres/index.js';
import { portFlag } from './flags.js';
import { say, UsageError } from './terminal.js';

export { closeOnSignal, serveUntilSignal } from './serve-until-signal.js';
export { portFlag, say, UsageError };

/** Prints why a program ends and how to mend it, without a stack when a person can mend it, and sets the exit code. */
export function reportFailure(name: string, error: unknown): void {
  process.stderr.write(`[${name}] ${explain(error)}\n`);
  process.exitCode = 1;
}

interface ListenError extends Error {
  readonly port?: number;
  readonly address?: string;
}

/** What a person can do about an error, by its system code or SQLSTATE. */
const remedies: Readonly<Record<string, (error: ListenError) => string>> = {
  EADDRINUSE: ({ port }) =>
    `Port ${port ?? ''} is in use. Stop the other program, or choose another port with --port.`,
  EADDRNOTAVAIL: ({ address }) =>
    `This machine has no address ${address ?? ''} to listen on. Choose another with --host.`,
  EACCES: ({ message }) => `Not allowed: ${message}`,
  ERR_INVALID_URL: () =>
    'DATABASE_URL is not a URL. It should look like postgres://user:password@host:5432/name.',
  '28P01': ({ message }) => `The database refuses the login: ${message}. Check DATABASE_URL.`,
  '28000': ({ message }) => `The database refuses the login: ${message}. Check DATABASE_URL.`,
  '3D000': ({ message }) => `${message}. Create it, or name another in DATABASE_URL.`,
};

function explain(error: unknown): string {
  const known = [UsageError, ConfigError, EmbeddedPostgresError];
  if (error instanceof Error && known.some((kind) => error instanceof kind)) {
    return error.message;
  }
  if (error instanceof DatabaseUnavailableError) {
    const cause = error.cause instanceof Error ? (errorCode(error.cause) ?? error.cause.message) : '';
    return `The database cannot be reached (${cause}). Check DATABASE_URL and that PostgreSQL is running.`;
  }
  const code = errorCode(error);
  const remedy = code === undefined ? undefined : remedies[code];
  if (remedy !== undefined) return remedy(error as ListenError);
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
