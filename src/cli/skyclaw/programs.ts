import { type Command } from 'commander';
import { portFlag } from '../flags.js';
import { type ServeFlags } from '../serve.js';

/**
 * Programs that serve until a signal. The code of each is loaded only when it is asked for, since it is as large as the
 * other commands are quick.
 */
export function addPrograms(program: Command): void {
  program
    .command('coordinator')
    .summary('run the API (0.0.0.0:8787)')
    .description('Runs the API of the coordinator and its background loops, until a signal.')
    .option('--host <address>', 'address to listen on (SKYCLAW_COORDINATOR_HOST)')
    .option('--port <number>', 'port to listen on (SKYCLAW_COORDINATOR_PORT)', portFlag)
    .addHelpText('after', '\nExample:\n  skyclaw coordinator --port 8787')
    .action(async (flags: ServeFlags) => (await import('../coordinator.js')).coordinator(flags));

  program
    .command('gateway')
    .summary('run the proxy to running services (0.0.0.0:8790)')
    .description('Runs the reverse proxy to the running replicas of services, until a signal.')
    .option('--host <address>', 'address to listen on (SKYCLAW_GATEWAY_HOST)')
    .option('--port <number>', 'port to listen on (SKYCLAW_GATEWAY_PORT)', portFlag)
    .addHelpText('after', '\nExample:\n  skyclaw gateway --port 8790')
    .action(async (flags: ServeFlags) => (await import('../service-gateway.js')).serviceGateway(flags));

  program
    .command('host')
    .summary('run jobs and services on this machine')
    .description('Runs jobs and services of the coordinator on this machine, until a signal.')
    .addHelpText('after', '\nExample:\n  skyclaw host')
    .action(async () => (await import('../host.js')).host());
}
