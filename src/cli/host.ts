import { hostConfig, startHost } from '../host/index.js';
import { createLogger } from '../platform/logging/logger.js';
import { loadEnv } from './environment.js';
import { serveUntilSignal } from './serve-until-signal.js';

/** `skyclaw host`: runs jobs and services of a coordinator on this machine, until a signal. */
export async function host(): Promise<void> {
  await serveUntilSignal(start);
}

async function start(): Promise<() => Promise<void>> {
  const env = loadEnv();
  const config = hostConfig(env);
  const logger = createLogger('host', config.logLevel);
  for (const warning of [...env.warnings, ...config.warnings]) logger.warn(warning);
  const running = await startHost({
    config,
    logger,
    say: (line) => process.stdout.write(`${line}\n`),
    env: process.env,
  });
  return () => running.close();
}
