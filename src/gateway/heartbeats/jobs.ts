import { type Backup } from '../backup/index.js';
import { type MemoryFiles } from '../profiles/index.js';
import { type Sentinel } from '../sentinel/index.js';
import { type HeartbeatsConfig } from './heartbeats.config.js';
import { type Job, type JobResult } from './job.js';

export interface JobParts {
  readonly sentinel: Pick<Sentinel, 'checkHealth'>;
  readonly memory: MemoryFiles;
  readonly usage: { snapshot(): Promise<{ readonly providers: number; readonly pruned: number }> };
  readonly backup: Backup;
}

const done = (message: string): JobResult => ({ outcome: 'succeeded', message });
const skipped = (message: string): JobResult => ({ outcome: 'skipped', message });

/** The four jobs of a gateway. */
export function gatewayJobs(
  { sentinel, memory, usage, backup }: JobParts,
  config: HeartbeatsConfig,
): readonly Job[] {
  return [
    {
      name: 'health_check',
      everyMs: config.healthCheckMs,
      run: async () => {
        const findings = Object.entries(await sentinel.checkHealth());
        return done(`${findings.map(([name, { state }]) => `${name}: ${state}`).join('; ')}.`);
      },
    },
    {
      name: 'memory_sync',
      everyMs: config.memorySyncMs,
      run: async (signal) => {
        if (memory.folder === undefined) return skipped('SKYNET_MEMORY_DIR is not set: there are no files.');
        const { people, written, removed } = await memory.sync(memory.folder, signal);
        return done(`Facts of ${people} people: ${written} files written, ${removed} removed.`);
      },
    },
    {
      name: 'provider_usage_snapshot',
      everyMs: config.usageSnapshotMs,
      run: async () => {
        const { providers, pruned } = await usage.snapshot();
        return done(`Usage of ${providers} providers kept, ${pruned} old rows removed.`);
      },
    },
    {
      name: 'daily_backup',
      everyMs: config.backupMs,
      run: async (signal) => {
        if (backup.folder === undefined)
          return skipped('SKYNET_BACKUP_DIR is not set: there are no backups.');
        const { file, rows, bytes, removed } = await backup.write(backup.folder, signal);
        return done(`${file}: ${rows} rows, ${bytes} bytes; ${removed} old ones removed.`);
      },
    },
  ];
}
