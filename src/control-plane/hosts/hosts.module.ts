import { Module } from '@nestjs/common';
import { IdempotencyModule } from '../idempotency/index.js';
import { LedgerModule } from '../ledger/index.js';
import { RegistryModule } from '../registry/index.js';
import { HostsController } from './hosts.controller.js';
import { HostsService } from './hosts.service.js';

/** The life of a host: registration, heartbeats, and what operators say of it. */
@Module({
  imports: [RegistryModule, LedgerModule, IdempotencyModule],
  controllers: [HostsController],
  providers: [HostsService],
  exports: [HostsService],
})
export class HostsModule {}
