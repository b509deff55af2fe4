import { Module } from '@nestjs/common';
import { JobsModule } from '../jobs/index.js';
import { LedgerModule } from '../ledger/index.js';
import { RegistryModule } from '../registry/index.js';
import { ServicesModule } from '../services/index.js';
import { LogStreamsService } from './follow/log-streams.service.js';
import { OutputTail } from './follow/output-tail.js';
import { JobLogsController } from './job-logs.controller.js';
import { LogsReader } from './logs-reader.js';
import { LogsService } from './logs.service.js';
import { PagesService } from './pages.service.js';
import { ServiceLogsController } from './service-logs.controller.js';
import { LogsUpkeep } from './upkeep.service.js';

/** The output of jobs and services while they run: taken in from hosts, kept within bounds, read and followed. */
@Module({
  imports: [JobsModule, LedgerModule, RegistryModule, ServicesModule],
  controllers: [JobLogsController, ServiceLogsController],
  providers: [LogsService, PagesService, LogsReader, LogStreamsService, OutputTail, LogsUpkeep],
  exports: [LogsUpkeep],
})
export class LogsModule {}
