import { type LoggerService } from '@nestjs/common';
import pino from 'pino';

/** The program's logger: one JSON object a line on stderr. Levels have a price: `error` means that someone must act now. */
export type Logger = pino.Logger;

const LEVELS: Readonly<Record<string, pino.LevelWithSilent>> = {
  debug: 'debug',
  info: 'info',
  warning: 'warn',
  warn: 'warn',
  error: 'error',
  critical: 'fatal',
  silent: 'silent',
};

/** The names that SKYNET_LOG_LEVEL may hold, in any case. */
export const logLevels: readonly string[] = Object.keys(LEVELS);

/** Keys whose values never reach a log line, wherever they stand. */
const SECRETS = [
  ...['authorization', 'cookie', '["x-api-key"]', 'apiKey', 'password', 'secret', 'token'],
  ...['claim_token', 'claimToken', 'run_token', 'runToken', 'leaseToken', 'dispatchKey', 'idempotency_key'],
];
/** How many causes behind an error are told. */
const MAX_CAUSES = 4;

export function createLogger(program: string, level = 'info'): Logger {
  return pino(
    {
      name: program,
      level: LEVELS[level.toLowerCase()] ?? 'info',
      base: { program },
      redact: {
        paths: SECRETS.flatMap((key) => (key.startsWith('[') ? [key, `*${key}`] : [key, `*.${key}`])),
        censor: '***',
      },
      serializers: { err: shownError },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}

/**
 * An error as lines tell it: its kind, text, code, stack and causes. Nothing else of it, since libraries hang onto their
 * errors what failed: statements with their values, requests with their headers.
 */
function shownError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return String(error);
  const { message, stack, cause } = error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return {
    type: error.constructor.name,
    message,
    ...(code === undefined ? {} : { code }),
    stack,
    ...(cause === undefined || depth === MAX_CAUSES ? {} : { cause: shownError(cause, depth + 1) }),
  };
}

/** Nest's own messages through our logger. Its start-up chatter is of interest to nobody but us, hence debug. */
export function nestLogger(logger: Logger): LoggerService {
  const context = (rest: unknown[]) => ({ context: rest.at(-1) });
  return {
    log: (message: unknown, ...rest: unknown[]) => logger.debug(context(rest), String(message)),
    debug: (message: unknown, ...rest: unknown[]) => logger.debug(context(rest), String(message)),
    verbose: (message: unknown, ...rest: unknown[]) => logger.trace(context(rest), String(message)),
    warn: (message: unknown, ...rest: unknown[]) => logger.warn(context(rest), String(message)),
    error: (message: unknown, ...rest: unknown[]) =>
      logger.error({ ...context(rest), err: message }, String(message)),
    fatal: (message: unknown, ...rest: unknown[]) =>
      logger.fatal({ ...context(rest), err: message }, String(message)),
  };
}
