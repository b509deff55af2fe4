import { UsageError } from './terminal.js';

/** Prints why a command ends and how to mend it, and sets the exit code. */
export async function report(name: string, error: unknown): Promise<void> {
  if (error instanceof UsageError) {
    process.stderr.write(`[${name}] ${error.message}\n`);
    process.exitCode = 1;
    return;
  }
  // Knows the errors of all programs, and so brings all of them.
  (await import('./program.js')).reportFailure(name, error);
}
