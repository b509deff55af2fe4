import { controlPlaneConfig, startControlPlane } from '../control-plane/index.js';
import { createLogger } from '../platform/logging/logger.js';
import { openProgramDatabase } from './database.js';
import { loadEnv } from './environment.js';
import { closeOnSignal, say } from './program.js';

export interface ServeFlags {
  readonly host?: string;
  readonly port?: string;
}

/** `skynet serve`: the control plane, API and loops, until a signal. */
export async function serve(flags: ServeFlags): Promise<void> {
  if (flags.host !== undefined) process.env['SKYNET_HOST'] = flags.host;
  if (flags.port !== undefined) process.env['SKYNET_PORT'] = flags.port;
  const env = loadEnv();
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
  closeOnSignal(async () => {
    await running.close();
    await database.release();
  });

  say(`SKYNET control plane: ${running.url}  API docs: ${running.url}/docs`);
  if (config.auth.apiKey === undefined) {
    logger.warn('No key is configured: whoever reaches this address may do everything.');
    if (config.http.host === '127.0.0.1') {
      say('Open to this machine only. To open it to the network, set SKYNET_API_KEY to a long random text.');
    }
  }
}
