import { Module } from '@nestjs/common';
import { HealthModule } from '../health/index.js';
import { AuditModule } from '../audit/index.js';
import { HostsModule } from '../hosts/index.js';
import { LedgerModule } from '../ledger/index.js';
import { RegistryModule } from '../registry/index.js';
import { ServicesModule } from '../services/index.js';
import { ClusterController } from './cluster.controller.js';
import { SnapshotImport } from './import.service.js';
import { HostImporter, JobImporter, ServiceImporter } from './importers.js';
import { ImportsLoop } from './imports.loop.js';
import { NetworkService } from './network.service.js';
import { ReplicasLoop } from './replicas.loop.js';
import { Standbys } from './standbys.service.js';
import { StateService } from './state.service.js';

/** What was the talk of coordinators: who serves, what there is, and what is taken over from elsewhere. */
@Module({
  imports: [AuditModule, HealthModule, HostsModule, LedgerModule, RegistryModule, ServicesModule],
  controllers: [ClusterController],
  providers: [
    NetworkService,
    StateService,
    SnapshotImport,
    HostImporter,
    JobImporter,
    ServiceImporter,
    ReplicasLoop,
    ImportsLoop,
    Standbys,
  ],
})
export class ClusterModule {}
