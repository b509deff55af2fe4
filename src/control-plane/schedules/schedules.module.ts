import { Module } from '@nestjs/common';
import { IdempotencyModule } from '../idempotency/index.js';
import { LedgerModule } from '../ledger/index.js';
import { OccurrencesService } from './occurrences.service.js';
import { SchedulesController } from './schedules.controller.js';
import { SchedulesLoop } from './schedules.loop.js';
import { SchedulesService } from './schedules.service.js';

/** Tasks that are handed in again and again, at the times of a cron expression. */
@Module({
  imports: [LedgerModule, IdempotencyModule],
  controllers: [SchedulesController],
  providers: [SchedulesService, OccurrencesService, SchedulesLoop],
  exports: [SchedulesService],
})
export class SchedulesModule {}
