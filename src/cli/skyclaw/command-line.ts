import { Command } from 'commander';
import { productVersion } from '../../platform/product-version.js';
import { addEnqueueCommands } from './enqueue.js';
import { addHostCommands } from './hosts.js';
import { addJobCommands } from './jobs.js';
import { addLogsCommand } from './logs.js';
import { addPrograms } from './programs.js';
import { addRolloutCommand } from './rollout.js';
import { addServiceCommands } from './services.js';

/** All commands of `skyclaw`. Errors are thrown, and nothing is printed for them here. */
export function commandLine(): Command {
  const program = new Command('skyclaw')
    .version(productVersion)
    .usage('<command> [flags] [args...]')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .configureHelp({ helpWidth: 100, subcommandTerm })
    .helpCommand('help [command]', 'show this text, or that of a command');
  program.commandsGroup('Programs:');
  addPrograms(program);
  program.commandsGroup('Jobs:');
  addEnqueueCommands(program);
  addJobCommands(program);
  addLogsCommand(program);
  program.commandsGroup('Services:');
  addServiceCommands(program);
  addRolloutCommand(program);
  program.commandsGroup('Hosts:');
  addHostCommands(program);
  return program.addHelpText('after', FOOTER);
}

const FOOTER = `
The coordinator is looked for at SKYCLAW_COORDINATOR_URLS or SKYCLAW_COORDINATOR_URL (http://127.0.0.1:8787), with
SKYCLAW_TOKEN. All settings are in .env.example. skyclaw <command> --help shows flags and examples.`;

/** A command as it is typed, without its flags. */
function subcommandTerm(command: Command): string {
  const words = command.usage().replaceAll(/\[(?:options|flags|--)\] ?/g, '');
  return `skyclaw ${command.name()} ${words}`.trimEnd();
}
