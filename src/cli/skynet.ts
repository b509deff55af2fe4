import 'reflect-metadata';
import { Command } from 'commander';
import { productVersion } from '../platform/product-version.js';
import { portFlag } from './flags.js';
import { auditCommand } from './audit.js';
import { backupCheckCommand } from './backup-check/command.js';
import { doctorCommand } from './doctor/command.js';
import { gatewaysCommand } from './gateways.js';
import { keyCommand } from './keys.js';
import { projectCommand } from './project/command.js';
import { report } from './report.js';
import { type ServeFlags } from './serve.js';
import { endUnread, onReaderGone } from './terminal.js';
import { publicKeyCommand } from './public-keys.js';
import { webhookCommand } from './webhooks.js';

// The code of a command is loaded when it is asked for: a program that serves brings all of the application.
const program = new Command('skynet')
  .description('Control plane for fleets of AI agents.')
  .version(productVersion)
  .showHelpAfterError('Try skynet --help.')
  .showSuggestionAfterError();

program
  .command('serve')
  .description('run the control plane: API and background loops')
  .option('--host <address>', 'address to listen on (SKYNET_HOST)')
  .option('--port <number>', 'port to listen on (SKYNET_PORT)', portFlag)
  .action(async (flags: ServeFlags) => (await import('./serve.js')).serve(flags));

program
  .command('gateway')
  .description('run an OpenClaw gateway that executes actions on this machine')
  .option('--host <address>', 'address to listen on (SKYNET_HTTP_HOST)')
  .option('--port <number>', 'port to listen on (SKYNET_HTTP_PORT)', portFlag)
  .action(async (flags: ServeFlags) => (await import('./gateway.js')).gateway(flags));

program
  .command('agent')
  .description('connect to an OpenClaw gateway and execute its actions on this machine')
  .action(async () => (await import('./agent.js')).agent());

program
  .command('host')
  .description('run jobs and services of the coordinator on this machine (skyclaw host)')
  .action(async () => (await import('./host.js')).host());

program
  .command('service-gateway')
  .description('run the proxy to running services (skyclaw gateway)')
  .option('--host <address>', 'address to listen on (SKYCLAW_GATEWAY_HOST)')
  .option('--port <number>', 'port to listen on (SKYCLAW_GATEWAY_PORT)', portFlag)
  .action(async (flags: ServeFlags) => (await import('./service-gateway.js')).serviceGateway(flags));

program
  .command('migrate')
  .description('bring the database schema up to date and end')
  .option('--json', 'print what was applied as JSON')
  .action(async (flags: { json?: boolean }) => (await import('./migrate.js')).migrate(flags));

program
  .command('quickstart')
  .description('start everything and watch a graph of tasks being executed on a new git repository')
  .option('--exit', 'end when the tasks have ended, instead of serving until Ctrl-C')
  .option('--plain', 'print a line for each change instead of a live view')
  .action(async (flags: { exit?: boolean; plain?: boolean }) =>
    (await import('./quickstart/quickstart.js')).quickstart(flags),
  );

program.addCommand(doctorCommand());
program.addCommand(backupCheckCommand());
program.addCommand(gatewaysCommand());
program.addCommand(keyCommand());
program.addCommand(publicKeyCommand());
program.addCommand(webhookCommand());
program.addCommand(auditCommand());
program.addCommand(projectCommand());

onReaderGone(endUnread);
program.parseAsync().catch((error: unknown) => report('skynet', error));
