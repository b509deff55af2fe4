import { CommanderError } from 'commander';
import { closestName } from '../platform/config/closest-name.js';
import { commandLine, type Described } from './skyclaw/command-line.js';
import { endWithReader, UsageError } from './terminal.js';

interface ServingProgram extends Described {
  /** Runs until a signal. Its code is loaded only now, since it is as large as the other commands are quick. */
  readonly run: (args: readonly string[]) => Promise<void>;
}

/** Programs that serve. A new one is an entry here. */
const programs: ReadonlyMap<string, ServingProgram> = new Map([
  [
    'coordinator',
    {
      about: 'run the API on 0.0.0.0:8787',
      run: async () => (await import('./coordinator.js')).coordinator(),
    },
  ],
]);

async function main([name, ...args]: readonly string[]): Promise<void> {
  const program = programs.get(name ?? '');
  if (program !== undefined && !args.includes('--help') && !args.includes('-h')) {
    await program.run(args);
    return;
  }
  const commands = commandLine(programs);
  const known = ['help', '-h', '--help', '-V', '--version', ...commands.commands.map((each) => each.name())];
  if (name !== undefined && !known.includes(name)) {
    const close = closestName(name, known);
    throw new UsageError(`unknown command: ${name}${close === undefined ? '' : `\nDid you mean ${close}?`}`);
  }
  endWithReader();
  await commands.parseAsync(name === undefined ? ['help'] : [name, ...args], { from: 'user' });
}

async function report(error: unknown): Promise<void> {
  if (error instanceof CommanderError) {
    // Help and version have been printed.
    if (error.exitCode === 0) return;
    process.stderr.write(`[skyclaw] ${error.message.replace(/^error: /, '')}\n`);
    process.exitCode = 1;
    return;
  }
  if (error instanceof UsageError) {
    process.stderr.write(`[skyclaw] ${error.message}\n`);
    process.exitCode = 1;
    return;
  }
  // Knows the errors of all programs, and so brings all of them.
  (await import('./program.js')).reportFailure('skyclaw', error);
}

main(process.argv.slice(2)).catch(report);
