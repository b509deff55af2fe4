import { Module } from '@nestjs/common';
import { GatewayClientModule } from '../gateway-client/index.js';
import { IdempotencyModule } from '../idempotency/index.js';
import { LedgerModule } from '../ledger/index.js';
import { RegistryModule } from '../registry/index.js';
import { ApprovalsController } from './approvals.controller.js';
import { ApprovalsService } from './approvals.service.js';

/** Commands that gateways ask about before they run them. */
@Module({
  imports: [LedgerModule, RegistryModule, GatewayClientModule, IdempotencyModule],
  controllers: [ApprovalsController],
  providers: [ApprovalsService],
  exports: [ApprovalsService],
})
export class ApprovalsModule {}
