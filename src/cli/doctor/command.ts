import { Command } from 'commander';
import { durationFlag } from '../flags.js';
import { type DoctorFlags } from './doctor.js';

const FIVE_MINUTES_MS = 300_000;

/** `skynet doctor`. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('look for what is wrong with settings, database, clocks, gateways and loops')
    .option('--json', 'print findings and all settings as JSON')
    .option('--strict', 'exit with 1 when there are warnings')
    .option('--url <address>', 'address of the API (SKYNET_ORCHESTRATOR_URL)')
    .option(
      '--old-transaction <duration>',
      'tell of transactions that are open for longer',
      durationFlag,
      FIVE_MINUTES_MS,
    )
    .addHelpText(
      'after',
      '\nReads the environment and .env as skynet serve does. Exit code: 0 all is well, 1 warnings with --strict, 2 errors.' +
        '\n\nExample:\n  skynet doctor --url http://localhost:8000 --strict',
    )
    .action(async (flags: DoctorFlags) => (await import('./doctor.js')).doctor(flags));
}
