import { DatabaseUnavailableError, errorCode } from '../../platform/database/errors.js';
import { type Finding, showFindings, trouble } from '../findings.js';
import { checkDatabase } from './database.js';
import { withRestored } from './dump.js';

export interface BackupCheckFlags {
  readonly json?: boolean;
  readonly strict?: boolean;
  /** In milliseconds. */
  readonly maxAge?: number;
}

/** `skynet backup-check`: whether what is in a backup is whole and belongs together. Writes nothing to it. */
export async function backupCheck(backup: string, flags: BackupCheckFlags): Promise<void> {
  const check = (url: string) => checkDatabase(url, { maxAgeMs: flags.maxAge });
  const findings = /^postgres(ql)?:\/\//.test(backup)
    ? await check(backup).catch(unreachable)
    : await withRestored(backup, check);
  showFindings(findings, flags);
}

function unreachable(error: unknown): Finding[] {
  if (!(error instanceof DatabaseUnavailableError)) throw error;
  const why = errorCode(error.cause) ?? (error.cause instanceof Error ? error.cause.message : '');
  return [
    trouble(
      'database',
      `It cannot be reached (${why}).`,
      'Nothing is known of this backup.',
      'Check the URL, and that the server runs.',
    ),
  ];
}
