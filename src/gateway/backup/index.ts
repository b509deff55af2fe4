export { Backup } from './backup.js';
export { type BackupConfig, backupConfig } from './backup.config.js';
