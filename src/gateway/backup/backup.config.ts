import { resolve } from 'node:path';
import { type Env } from '../../platform/config/env.js';

export interface BackupConfig {
  /** Undefined: there are no backups. */
  readonly folder: string | undefined;
  /** How many of them stay. */
  readonly keep: number;
}

export function backupConfig(env: Env): BackupConfig {
  return Object.freeze({
    folder: env.isSet('SKYNET_BACKUP_DIR') ? resolve(env.text('SKYNET_BACKUP_DIR')) : undefined,
    keep: env.integer('SKYNET_BACKUP_KEEP', { min: 1, max: 1_000 }),
  });
}
