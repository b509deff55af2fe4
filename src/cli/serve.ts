import { controlPlaneConfig, startControlPlane } from '../control-plane/index.js';
import { type Env } from '../platform/config/env.js';
import { createLogger } from '../platform/logging/logger.js';
import { openProgramDatabase } from './database.js';
import { loadEnv } from './environment.js';
import { say, serveUntilSignal } from './program.js';

export interface ServeFlags {
  readonly host?: string;
  readonly port?: string;
}

/** `skynet serve`: the control plane, API and loops, until a signal. */
export async function serve(flags: ServeFlags, env: Env = loadEnv()): Promise<void> {
  if (flags.host !== undefined) process.env['SKYNET_HOST'] = flags.host;
  if (flags.port !== undefined) process.env['SKYNET_PORT'] = flags.port;
  await serveUntilSignal(() => start(env));
}

async function start(env: Env): Promise<() => Promise<void>> {
  const config = controlPlaneConfig(env);
  const logger = createLogger('control-plane', config.logLevel);
  for (const warning of env.warnings) logger.warn(warning);

  const database = await openProgramDatabase(env, say);
  let running: Awaited<ReturnType<typeof startControlPlane>>;
  try {
    running = await startControlPlane({ config, databaseUrl: database.url, logger });
  } catch (error) {
    await database.release();
    throw error;
  }

  say(`SKYNET control plane: ${running.url}  API docs: ${running.url}/docs`);
  if (config.auth.apiKey === undefined) {
    logger.warn(
      env.isSet('SKYNET_API_KEY')
        ? 'SKYNET_PROTECT_DIAGNOSTICS is off, so no key is asked for: whoever reaches this address may do everything.'
        : 'No key is configured: whoever reaches this address may do everything.',
    );
    say(
      config.http.host === '127.0.0.1'
        ? 'Open to this machine only. To open it to the network, set SKYNET_API_KEY to a long random text.'
        : `Open to whoever reaches ${config.http.host}. To close it, set SKYNET_API_KEY to a long random text.`,
    );
  }
  const { tokens, required } = config.auth.skyclaw;
  if (
    tokens.length === 0 &&
    !required &&
    (config.auth.apiKey !== undefined || config.http.host !== '127.0.0.1')
  ) {
    const what =
      'SKYCLAW_TOKEN is not set: whoever reaches this address may hand in jobs, deploy services and act as a host.';
    logger.warn(what);
    say(`${what} Set it to a long random text, here and at the hosts.`);
  }
  return async () => {
    await running.close();
    await database.release();
  };
}
