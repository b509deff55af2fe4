import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/index.js';
import { IdempotencyModule } from '../idempotency/index.js';
import { LedgerModule } from '../ledger/index.js';
import { SchedulesModule } from '../schedules/index.js';
import { ApiKeyAccess } from './access.service.js';
import { ApiKeysController } from './api-keys.controller.js';
import { ApiKeys } from './api-keys.service.js';
import { ApiKeyUseLoop } from './key-use.loop.js';

/** Keys of the API that operators make: what each may do, and in which project. */
@Module({
  imports: [AuthModule, IdempotencyModule, LedgerModule, SchedulesModule],
  controllers: [ApiKeysController],
  providers: [ApiKeys, ApiKeyAccess, ApiKeyUseLoop],
})
export class ApiKeysModule {}
