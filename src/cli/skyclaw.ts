import { CommanderError } from 'commander';
import { closestName } from '../platform/config/closest-name.js';
import { commandLine } from './skyclaw/command-line.js';
import { report } from './report.js';
import { endUnread, onReaderGone, UsageError } from './terminal.js';

async function main([name = 'help', ...args]: readonly string[]): Promise<void> {
  onReaderGone(endUnread);
  const program = commandLine();
  const known = program.commands.map((command) => command.name()).concat('help');
  if (!['-h', '--help', '-V', '--version', ...known].includes(name)) {
    const close = closestName(name, known);
    throw new UsageError(`unknown command: ${name}${close === undefined ? '' : `\nDid you mean ${close}?`}`);
  }
  await program.parseAsync([name, ...args], { from: 'user' });
}

main(process.argv.slice(2)).catch(async (error: unknown) => {
  if (!(error instanceof CommanderError)) await report('skyclaw', error);
  // With exit code 0 help or the version have been printed.
  else if (error.exitCode !== 0)
    await report('skyclaw', new UsageError(error.message.replace(/^error: /, '')));
});
