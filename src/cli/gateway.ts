import { gatewayConfig, startGateway } from '../gateway/index.js';
import { createLogger } from '../platform/logging/logger.js';
import { openProgramDatabase } from './database.js';
import { loadEnv } from './environment.js';
import { say, serveUntilSignal } from './program.js';
import { type ServeFlags } from './serve.js';

/** `skynet gateway`: an OpenClaw gateway that executes actions on this machine, until a signal. */
export async function gateway(flags: ServeFlags): Promise<void> {
  if (flags.host !== undefined) process.env['SKYNET_HTTP_HOST'] = flags.host;
  if (flags.port !== undefined) process.env['SKYNET_HTTP_PORT'] = flags.port;
  await serveUntilSignal(start);
}

async function start(): Promise<() => Promise<void>> {
  const env = loadEnv();
  const config = gatewayConfig(env);
  const logger = createLogger('gateway', config.logLevel);
  for (const warning of env.warnings) logger.warn(warning);
  const database = await openProgramDatabase(env, say);
  let running: Awaited<ReturnType<typeof startGateway>>;
  try {
    running = await startGateway({ config, databaseUrl: database.url, logger, env: process.env });
  } catch (error) {
    await database.release();
    throw error;
  }
  say(`OpenClaw gateway: ${running.url}  API docs: ${running.url}/docs`);
  say(
    running.agentsUrl === undefined
      ? 'No agent can connect: set SKYNET_AUTH_TOKEN to what agents have to show.'
      : `Agents connect to ${running.agentsUrl}/agent/ws`,
  );
  if (config.allowedRoots.length === 0 && config.ssh.target === undefined) {
    say(
      'No folder is allowed, so this machine runs no action. Set SKYNET_ALLOWED_ROOTS to the folders that actions may touch.',
    );
  }
  return async () => {
    await running.close();
    await database.release();
  };
}
