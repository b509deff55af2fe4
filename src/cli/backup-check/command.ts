import { Command } from 'commander';
import { durationFlag } from '../flags.js';
import { type BackupCheckFlags } from './backup-check.js';

/** `skynet backup-check`. */
export function backupCheckCommand(): Command {
  return new Command('backup-check')
    .description('verify a backup: a dump of pg_dump, or a database that was restored')
    .argument('<backup>', 'a file in custom or plain format, or the URL of a database')
    .option('--json', 'print the findings as JSON')
    .option('--strict', 'exit with 1 when there are warnings')
    .option('--max-age <duration>', 'tell of a backup whose newest row is older', durationFlag)
    .addHelpText(
      'after',
      '\nA file is restored into a server of its own, which is gone afterwards, by pg_restore or psql of this machine.' +
        '\nExit code: 0 all is well, 1 warnings with --strict, 2 errors.' +
        '\n\nExample:\n  pg_dump -Fc "$DATABASE_URL" -f skynet.dump && skynet backup-check skynet.dump --max-age 1h',
    )
    .action(async (backup: string, flags: BackupCheckFlags) =>
      (await import('./backup-check.js')).backupCheck(backup, flags),
    );
}
