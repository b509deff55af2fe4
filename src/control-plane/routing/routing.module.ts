import { Module } from '@nestjs/common';
import { GatewayClientModule } from '../gateway-client/index.js';
import { IdempotencyModule } from '../idempotency/index.js';
import { LedgerModule } from '../ledger/index.js';
import { RegistryModule } from '../registry/index.js';
import { RoutingController } from './routing.controller.js';
import { RoutingService } from './routing.service.js';

/** Which gateway takes what. */
@Module({
  imports: [RegistryModule, LedgerModule, GatewayClientModule, IdempotencyModule],
  controllers: [RoutingController],
  providers: [RoutingService],
  exports: [RoutingService],
})
export class RoutingModule {}
