import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/index.js';
import { GatewayClientModule } from '../gateway-client/index.js';
import { IdempotencyModule } from '../idempotency/index.js';
import { DrainsLoop } from './drains.loop.js';
import { HostsRegistry } from './hosts.service.js';
import { ProberLoop } from './prober.loop.js';
import { RegistryController } from './registry.controller.js';
import { RegistryService } from './registry.service.js';

/** Gateways, workers and hosts: identity, capabilities, health. */
@Module({
  imports: [GatewayClientModule, IdempotencyModule, AuditModule],
  controllers: [RegistryController],
  providers: [RegistryService, HostsRegistry, ProberLoop, DrainsLoop],
  exports: [RegistryService, HostsRegistry],
})
export class RegistryModule {}
