import 'reflect-metadata';
import { loadEnv } from './environment.js';
import { host } from './host.js';

const HELP = `skyclaw: the SkyClaw face of the control plane

Usage:
  skyclaw coordinator    run the API on SKYCLAW_COORDINATOR_HOST:SKYCLAW_COORDINATOR_PORT (0.0.0.0:8787)
  skyclaw host           run jobs and services of SKYCLAW_COORDINATOR_URL on this machine
  skyclaw help           show this text

Everything else is configured by the environment; see .env.example.`;

// What only the coordinator needs, or knows the errors of all programs, is loaded when it is asked for.
const loadProgram = () => import('./program.js');

async function main([command]: readonly string[]): Promise<void> {
  switch (command) {
    case undefined:
    case 'help':
    case '-h':
    case '--help':
      process.stdout.write(`${HELP}\n`);
      return;
    case 'coordinator':
      await coordinator();
      return;
    case 'host':
      await host();
      return;
    default:
      throw new (await loadProgram()).UsageError(`unknown command: ${command}`);
  }
}

async function coordinator(): Promise<void> {
  const { serve } = await import('./serve.js');
  const env = loadEnv();
  await serve(
    {
      host: env.text('SKYCLAW_COORDINATOR_HOST'),
      port: String(env.integer('SKYCLAW_COORDINATOR_PORT', { min: 0, max: 65_535 })),
    },
    env,
  );
}

main(process.argv.slice(2)).catch(async (error: unknown) => {
  (await loadProgram()).reportFailure('skyclaw', error);
});
