import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/index.js';
import { IdempotencyModule } from '../idempotency/index.js';
import { RegistryModule } from '../registry/index.js';
import { BatchController } from './batch.controller.js';
import { ClaimsService } from './claims.service.js';
import { CoalescedLedger } from './coalesced-ledger.service.js';
import { DependentsService } from './dependents.service.js';
import { EndingsService } from './endings.service.js';
import { FileOrders } from './file-orders.service.js';
import { FileQueue } from './file-queue.service.js';
import { FilesController } from './files.controller.js';
import { Foresight } from './foresight.service.js';
import { GatewaysController } from './gateways.controller.js';
import { HostJobs } from './host-jobs.service.js';
import { ImportService } from './import.service.js';
import { IntakeService } from './intake.service.js';
import { JobLocksService } from './job-locks.service.js';
import { KeyQueue } from './key-queue.service.js';
import { ProjectTurns } from './project-turns.service.js';
import { PauseOrders } from './pause-orders.js';
import { PausesController } from './pauses.controller.js';
import { PausesService } from './pauses.service.js';
import { ReadyMarks } from './ready-marks.service.js';
import { SoleLine } from './sole-line.service.js';
import { LedgerMetrics } from './ledger.metrics.js';
import { LedgerReader } from './reader.service.js';
import { Situations } from './situation.service.js';
import { TasksController } from './tasks.controller.js';
import { TaskNotes } from './task-notes.service.js';
import { UpkeepService } from './upkeep.service.js';
import { WaitingClaims } from './waiting-claims.service.js';
import { EnqueueWarnings } from './warnings.service.js';

const services = [
  LedgerMetrics,
  FileQueue,
  FileOrders,
  KeyQueue,
  ProjectTurns,
  ReadyMarks,
  SoleLine,
  CoalescedLedger,
  WaitingClaims,
  ImportService,
  IntakeService,
  ClaimsService,
  Foresight,
  DependentsService,
  EndingsService,
  HostJobs,
  LedgerReader,
  PausesService,
  PauseOrders,
  EnqueueWarnings,
  Situations,
  TaskNotes,
  UpkeepService,
  JobLocksService,
];

/** Tasks, dependencies, claims, leases, file ownership. */
@Module({
  imports: [AuthModule, RegistryModule, IdempotencyModule],
  controllers: [BatchController, TasksController, FilesController, PausesController, GatewaysController],
  providers: services,
  exports: services,
})
export class LedgerModule {}
