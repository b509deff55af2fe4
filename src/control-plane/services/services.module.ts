import { Module } from '@nestjs/common';
import { IdempotencyModule } from '../idempotency/index.js';
import { RegistryModule } from '../registry/index.js';
import { Deployments } from './deployments.service.js';
import { HostServicesController } from './host-services.controller.js';
import { HostServices } from './host-services.service.js';
import { HostUpkeep } from './host-upkeep.service.js';
import { ServicesController } from './services.controller.js';
import { ServicesLoop } from './services.loop.js';
import { ServicesService } from './services.service.js';
import { ServicesUpkeep } from './services-upkeep.service.js';
import { ServicesImport } from './import.service.js';
import { ServicesReader } from './reader.service.js';

/** Processes that hosts keep running: deployed, claimed, replaced one by one, moved from hosts that are lost or drain. */
@Module({
  imports: [RegistryModule, IdempotencyModule],
  controllers: [ServicesController, HostServicesController],
  providers: [
    ...[ServicesService, ServicesReader, ServicesImport, Deployments, HostServices, HostUpkeep],
    ...[ServicesUpkeep, ServicesLoop],
  ],
  exports: [ServicesReader, ServicesImport, HostUpkeep],
})
export class ServicesModule {}
