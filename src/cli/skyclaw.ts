import 'reflect-metadata';
import { loadEnv } from './environment.js';
import { reportFailure, say, UsageError } from './program.js';
import { serve } from './serve.js';
import { serviceGateway } from './service-gateway.js';

const HELP = `skyclaw: the SkyClaw face of the control plane

Usage:
  skyclaw coordinator    run the API on SKYCLAW_COORDINATOR_HOST:SKYCLAW_COORDINATOR_PORT (0.0.0.0:8787)
  skyclaw gateway        run the proxy to running services on SKYCLAW_GATEWAY_HOST:SKYCLAW_GATEWAY_PORT (0.0.0.0:8790)
  skyclaw help           show this text

Everything else is configured by the environment; see .env.example.`;

async function main([command, ...rest]: readonly string[]): Promise<void> {
  switch (command) {
    case undefined:
    case 'help':
    case '-h':
    case '--help':
      say(HELP);
      return;
    case 'coordinator':
      await coordinator();
      return;
    case 'gateway':
      await serviceGateway(rest);
      return;
    default:
      throw new UsageError(`unknown command: ${command}`);
  }
}

async function coordinator(): Promise<void> {
  const env = loadEnv();
  await serve(
    {
      host: env.text('SKYCLAW_COORDINATOR_HOST'),
      port: String(env.integer('SKYCLAW_COORDINATOR_PORT', { min: 0, max: 65_535 })),
    },
    env,
  );
}

main(process.argv.slice(2)).catch((error: unknown) => reportFailure('skyclaw', error));
