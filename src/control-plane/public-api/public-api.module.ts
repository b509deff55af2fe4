import { Module } from '@nestjs/common';
import { IdempotencyModule } from '../idempotency/index.js';
import { JobsModule } from '../jobs/index.js';
import { LedgerModule } from '../ledger/index.js';
import { PublicAccess } from './access.service.js';
import { FacilitatorClient } from './facilitator-client.js';
import { KeyUseLoop } from './key-use.loop.js';
import { PublicKeysController } from './keys.controller.js';
import { PublicKeys } from './keys.service.js';
import { MonthlyQuota } from './monthly-quota.service.js';
import { PaymentsLoop } from './payments.loop.js';
import { PaymentsService } from './payments.service.js';
import { PublicJobsController } from './public-jobs.controller.js';
import { SubmissionsService } from './submissions.service.js';
import { PublicApiUpkeepLoop } from './upkeep.loop.js';

/** The public API: jobs by key, with limits, quotas and payments. */
@Module({
  imports: [JobsModule, LedgerModule, IdempotencyModule],
  controllers: [PublicJobsController, PublicKeysController],
  providers: [
    ...[PublicAccess, PublicKeys, KeyUseLoop, MonthlyQuota],
    ...[SubmissionsService, PaymentsService, FacilitatorClient, PaymentsLoop, PublicApiUpkeepLoop],
  ],
})
export class PublicApiModule {}
