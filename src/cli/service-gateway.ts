import { createLogger } from '../platform/logging/logger.js';
import { serviceGatewayConfig, startServiceGateway } from '../service-gateway/index.js';
import { loadEnv } from './environment.js';
import { serveUntilSignal } from './serve-until-signal.js';
import { say } from './terminal.js';
import { type ServeFlags } from './serve.js';

/** `skyclaw gateway`: the reverse proxy to running services, until a signal. */
export async function serviceGateway(flags: ServeFlags): Promise<void> {
  if (flags.host !== undefined) process.env['SKYCLAW_GATEWAY_HOST'] = flags.host;
  if (flags.port !== undefined) process.env['SKYCLAW_GATEWAY_PORT'] = flags.port;
  await serveUntilSignal(start);
}

async function start(): Promise<() => Promise<void>> {
  const env = loadEnv();
  const config = serviceGatewayConfig(env);
  const logger = createLogger('service-gateway', config.logLevel);
  for (const warning of env.warnings) logger.warn(warning);
  const running = await startServiceGateway({ config, logger });
  say(`SkyClaw service gateway: ${running.url}`);
  if (!running.knowsServices) {
    say(
      `The coordinator (${config.coordinatorUrls.join(', ')}) has not given its list of services yet. ` +
        'Until it does, every service is answered with 503.',
    );
  }
  if (config.token === undefined) {
    logger.warn(`SKYCLAW_GATEWAY_TOKEN is not set: whoever reaches ${running.url} may use every service.`);
  }
  return () => running.close();
}
