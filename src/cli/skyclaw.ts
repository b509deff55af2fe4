import { CommanderError } from 'commander';
import { closestName } from '../platform/config/closest-name.js';
import { commandLine } from './skyclaw/command-line.js';
import { endWithReader, UsageError } from './terminal.js';

async function main([name = 'help', ...args]: readonly string[]): Promise<void> {
  endWithReader();
  const program = commandLine();
  const known = program.commands.map((command) => command.name()).concat('help');
  if (!['-h', '--help', '-V', '--version', ...known].includes(name)) {
    const close = closestName(name, known);
    throw new UsageError(`unknown command: ${name}${close === undefined ? '' : `\nDid you mean ${close}?`}`);
  }
  await program.parseAsync([name, ...args], { from: 'user' });
}

async function report(error: unknown): Promise<void> {
  if (error instanceof CommanderError) {
    // Help and version have been printed.
    if (error.exitCode !== 0) fail(error.message.replace(/^error: /, ''));
  } else if (error instanceof UsageError) {
    fail(error.message);
  } else {
    // Knows the errors of all programs, and so brings all of them.
    (await import('./program.js')).reportFailure('skyclaw', error);
  }
}

function fail(text: string): void {
  process.stderr.write(`[skyclaw] ${text}\n`);
  process.exitCode = 1;
}

main(process.argv.slice(2)).catch(report);
