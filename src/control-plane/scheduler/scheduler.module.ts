import { Module } from '@nestjs/common';
import { GatewayClientModule } from '../gateway-client/index.js';
import { LedgerModule } from '../ledger/index.js';
import { RegistryModule } from '../registry/index.js';
import { RoutingModule } from '../routing/index.js';
import { DispatcherLoop } from './dispatcher.loop.js';
import { DueLoop } from './due.loop.js';

/** The dispatch loop: claim, choose, send, record. */
@Module({
  imports: [LedgerModule, RegistryModule, RoutingModule, GatewayClientModule],
  providers: [DispatcherLoop, DueLoop],
})
export class SchedulerModule {}
