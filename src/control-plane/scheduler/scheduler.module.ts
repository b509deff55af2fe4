import { Module } from '@nestjs/common';
import { ApprovalsModule } from '../approvals/index.js';
import { GatewayClientModule } from '../gateway-client/index.js';
import { LedgerModule } from '../ledger/index.js';
import { RegistryModule } from '../registry/index.js';
import { RoutingModule } from '../routing/index.js';
import { DispatchMetrics } from './dispatch.metrics.js';
import { DispatcherLoop } from './dispatcher.loop.js';
import { DueLoop } from './due.loop.js';
import { OrphansLoop } from './orphans.loop.js';
import { TellerLoop } from './teller.loop.js';

/** The dispatch loop (claim, choose, send, record), and what makes tasks ready: their time, the end of a large fan. */
@Module({
  imports: [LedgerModule, RegistryModule, RoutingModule, GatewayClientModule, ApprovalsModule],
  providers: [DispatchMetrics, DispatcherLoop, DueLoop, TellerLoop, OrphansLoop],
})
export class SchedulerModule {}
