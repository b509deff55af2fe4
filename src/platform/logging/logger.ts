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
  'authorization',
  'claim_token',
  'claimToken',
  'password',
  'token',
  'apiKey',
  '["x-api-key"]',
];

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
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: 2, sync: true }),
  );
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
