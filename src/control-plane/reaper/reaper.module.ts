import { Module } from '@nestjs/common';
import { EventsModule } from '../events/index.js';
import { IdempotencyModule } from '../idempotency/index.js';
import { LedgerModule } from '../ledger/index.js';
import { LogsModule } from '../logs/index.js';
import { RegistryModule } from '../registry/index.js';
import { ReaperMetrics } from './reaper.metrics.js';
import { ReaperLoop } from './reaper.loop.js';
import { RetentionLoop } from './retention.loop.js';

/** Expired leases, sweeps, retention. */
@Module({
  imports: [LedgerModule, RegistryModule, EventsModule, IdempotencyModule, LogsModule],
  providers: [ReaperMetrics, ReaperLoop, RetentionLoop],
})
export class ReaperModule {}
