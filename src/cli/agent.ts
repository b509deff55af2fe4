import { agentConfig, startAgent } from '../agent/index.js';
import { createLogger } from '../platform/logging/logger.js';
import { loadEnv } from './environment.js';
import { say, serveUntilSignal } from './program.js';

/** `skynet agent`: connects to a gateway and executes actions on this machine for it, until a signal. */
export async function agent(): Promise<void> {
  await serveUntilSignal(start);
}

async function start(): Promise<() => Promise<void>> {
  const env = loadEnv();
  const config = agentConfig(env);
  const logger = createLogger('agent', config.logLevel);
  for (const warning of env.warnings) logger.warn(warning);
  const { stdin: input, stdout: output } = process;
  const running = await startAgent({
    config,
    logger,
    say,
    env: process.env,
    terminal: input.isTTY && output.isTTY ? { input, output } : undefined,
  });
  if (config.allowedRoots.length === 0) {
    say(
      'No folder is allowed, so no action can run. Set SKYNET_ALLOWED_ROOTS to the folders that actions may touch.',
    );
  }
  return () => running.close();
}
