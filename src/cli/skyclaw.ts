import 'reflect-metadata';
import { reportFailure, say, UsageError } from './program.js';
import { serve } from './serve.js';

const HELP = `skyclaw: the SkyClaw face of the control plane

Usage:
  skyclaw coordinator    run the API on SKYCLAW_COORDINATOR_HOST:SKYCLAW_COORDINATOR_PORT (0.0.0.0:8787)
  skyclaw help           show this text

Everything else is configured by the environment; see .env.example.`;

async function main([command]: readonly string[]): Promise<void> {
  switch (command) {
    case undefined:
    case 'help':
    case '-h':
    case '--help':
      say(HELP);
      return;
    case 'coordinator':
      await serve({
        host: process.env['SKYCLAW_COORDINATOR_HOST'] ?? '0.0.0.0',
        port: process.env['SKYCLAW_COORDINATOR_PORT'] ?? '8787',
      });
      return;
    default:
      throw new UsageError(`unknown command: ${command}`);
  }
}

main(process.argv.slice(2)).catch((error: unknown) => reportFailure('skyclaw', error));
