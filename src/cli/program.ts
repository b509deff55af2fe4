import { ConfigError } from '../control-plane/index.js';
import { GatewayConfigError } from '../gateway/index.js';
import { DatabaseUnavailableError, errorCode } from '../platform/database/errors.js';
import { EmbeddedPostgresError } from '../platform/embedded-postgres/index.js';

/** A mistake of the user's: its message is all that is shown. */
export class UsageError extends Error {}

/** A line for the person at the terminal; logs go to stderr. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Prints why a program ends and how to mend it, without a stack when a person can mend it, and sets the exit code. */
export function reportFailure(name: string, error: unknown): void {
  process.stderr.write(`[${name}] ${explain(error)}\n`);
  process.exitCode = 1;
}

function explain(error: unknown): string {
  const known = [UsageError, ConfigError, GatewayConfigError, EmbeddedPostgresError];
  if (error instanceof Error && known.some((kind) => error instanceof kind)) {
    return error.message;
  }
  if (error instanceof DatabaseUnavailableError) {
    const cause = error.cause instanceof Error ? (errorCode(error.cause) ?? error.cause.message) : '';
    return `The database cannot be reached (${cause}). Check DATABASE_URL and that PostgreSQL is running.`;
  }
  if (errorCode(error) === 'EADDRINUSE') {
    const { port } = error as { port?: number };
    return `Port ${port ?? ''} is in use. Stop the other program, or choose another port with --port.`;
  }
  if (errorCode(error) === 'EACCES') return `Not allowed: ${(error as Error).message}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

const SHUTDOWN_LIMIT_MS = 20_000;

/**
 * Waits for SIGTERM or SIGINT, closes, and ends the process with 0. A second signal, or 20 s, ends it at once with 1.
 */
export function closeOnSignal(close: () => Promise<void>): void {
  let closing = false;
  const onSignal = () => {
    if (closing) process.exit(1);
    closing = true;
    setTimeout(() => {
      process.stderr.write('The shutdown took longer than 20 s; ending now.\n');
      process.exit(1);
    }, SHUTDOWN_LIMIT_MS).unref();
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        reportFailure('skynet', error);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}
