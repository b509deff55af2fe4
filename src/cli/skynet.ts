import 'reflect-metadata';
import { Command } from 'commander';
import { productVersion } from '../platform/product-version.js';
import { gateway } from './gateway.js';
import { keyCommand } from './keys.js';
import { migrate } from './migrate.js';
import { portFlag, reportFailure } from './program.js';
import { quickstart } from './quickstart/quickstart.js';
import { serve, type ServeFlags } from './serve.js';

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
  .action((flags: ServeFlags) => serve(flags));

program
  .command('gateway')
  .description('run an OpenClaw gateway that executes actions on this machine')
  .option('--host <address>', 'address to listen on (SKYNET_HTTP_HOST)')
  .option('--port <number>', 'port to listen on (SKYNET_HTTP_PORT)', portFlag)
  .action((flags: ServeFlags) => gateway(flags));

program
  .command('migrate')
  .description('bring the database schema up to date and end')
  .option('--json', 'print what was applied as JSON')
  .action((flags: { json?: boolean }) => migrate(flags));

program
  .command('quickstart')
  .description('start everything and watch a graph of tasks being executed on a new git repository')
  .option('--exit', 'end when the tasks have ended, instead of serving until Ctrl-C')
  .option('--plain', 'print a line for each change instead of a live view')
  .action((flags: { exit?: boolean; plain?: boolean }) => quickstart(flags));

program.addCommand(keyCommand());

program.parseAsync().catch((error: unknown) => reportFailure('skynet', error));
