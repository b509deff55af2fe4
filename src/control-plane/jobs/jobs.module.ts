import { Module } from '@nestjs/common';
import { IdempotencyModule } from '../idempotency/index.js';
import { LedgerModule } from '../ledger/index.js';
import { RegistryModule } from '../registry/index.js';
import { ExpiryLoop } from './expiry.loop.js';
import { HostClaimsController } from './host-claims.controller.js';
import { JobsController } from './jobs.controller.js';
import { JobsService } from './jobs.service.js';

/** Jobs: tasks that hosts pull. */
@Module({
  imports: [LedgerModule, RegistryModule, IdempotencyModule],
  controllers: [JobsController, HostClaimsController],
  providers: [JobsService, ExpiryLoop],
  exports: [JobsService],
})
export class JobsModule {}
