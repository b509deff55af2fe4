import { type DynamicModule } from '@nestjs/common';
import { type Database } from '../platform/database/database.js';
import { type Logger } from '../platform/logging/logger.js';
import { type Loop } from '../platform/loops/loop.js';
import { Backup } from './backup/index.js';
import { type GatewayConfig } from './gateway.config.js';
import { gatewayJobs, Heartbeats, HeartbeatsModule } from './heartbeats/index.js';
import { MemoryFiles } from './profiles/index.js';
import {
  databaseCheck,
  queueCheck,
  Sentinel,
  SentinelModule,
  storageCheck,
  workerCheck,
} from './sentinel/index.js';

export interface UpkeepParts {
  readonly config: GatewayConfig;
  readonly database: Database;
  readonly logger: Logger;
  /** Who executes actions. */
  readonly worker: { readonly isConfigured: boolean; readonly isReady: boolean };
  /** What has to turn for anything to happen. */
  readonly loops: readonly Loop[];
  readonly projects: { longestWaitMs(hasExecutor: boolean): Promise<number> };
  readonly usage: { snapshot(): Promise<{ readonly providers: number; readonly pruned: number }> };
  /** Tells the operator over Telegram; undefined: there is no bot. */
  readonly tell: ((message: string) => Promise<void>) | undefined;
}

/** What looks after the gateway itself: the sentinel, and the jobs that recur. */
export class Upkeep {
  readonly sentinel: Sentinel;
  readonly heartbeats: Heartbeats;
  readonly modules: readonly DynamicModule[];

  constructor({ config, database, logger, worker, loops, projects, usage, tell }: UpkeepParts) {
    const backup = new Backup(database, config.backup);
    const memory = new MemoryFiles(database, config.memoryFolder);
    const checks = {
      chathan_worker: workerCheck(worker),
      scheduler_queue: queueCheck(
        loops,
        (hasExecutor) => projects.longestWaitMs(hasExecutor),
        () => worker.isReady,
        config.sentinel.stuckMs,
      ),
      database: databaseCheck(database),
      s3_storage: storageCheck(backup, () => this.heartbeats.failureOf('daily_backup')),
    };
    this.sentinel = new Sentinel({ config: config.sentinel, database, checks, logger, tell });
    const jobs = gatewayJobs({ sentinel: this.sentinel, memory, usage, backup }, config.heartbeats);
    this.heartbeats = new Heartbeats(jobs, config.heartbeats, database, logger);
    this.modules = [SentinelModule.with(this.sentinel), HeartbeatsModule.with(this.heartbeats)];
  }

  /** Begins, under the name of this gateway. */
  start(gateway: string): void {
    this.sentinel.watch(gateway);
    this.heartbeats.beat(gateway);
  }

  /** Ends; what is under way is broken off and left to others. */
  async close(): Promise<void> {
    await Promise.all([this.sentinel.stop(), this.heartbeats.close()]);
  }
}
