import { type DynamicModule, Module } from '@nestjs/common';
import { ApiKeysModule } from './api-keys/index.js';
import { AuditModule } from './audit/index.js';
import { ApprovalsModule } from './approvals/index.js';
import { ClusterModule } from './cluster/index.js';
import { EventsModule } from './events/index.js';
import { ExplainModule } from './explain/index.js';
import { HealthModule } from './health/index.js';
import { HostsModule } from './hosts/index.js';
import { JobsModule } from './jobs/index.js';
import { LedgerModule } from './ledger/index.js';
import { LogsModule } from './logs/index.js';
import { MetricsModule } from './metrics/index.js';
import { OverviewModule } from './overview/index.js';
import { PublicApiModule } from './public-api/index.js';
import { RateLimitsModule } from './rate-limits/index.js';
import { ReaperModule } from './reaper/index.js';
import { RegistryModule } from './registry/index.js';
import { RoutingModule } from './routing/index.js';
import { RuntimeModule, type RuntimeOptions } from './runtime/index.js';
import { SchedulerModule } from './scheduler/index.js';
import { SchedulesModule } from './schedules/index.js';
import { ServicesModule } from './services/index.js';
import { WebhooksModule } from './webhooks/index.js';

@Module({})
export class AppModule {
  static with(options: RuntimeOptions): DynamicModule {
    return {
      module: AppModule,
      imports: [
        RuntimeModule.with(options),
        OverviewModule,
        LedgerModule,
        ExplainModule,
        EventsModule,
        RegistryModule,
        RoutingModule,
        SchedulerModule,
        ApprovalsModule,
        SchedulesModule,
        JobsModule,
        HostsModule,
        ServicesModule,
        ClusterModule,
        LogsModule,
        ApiKeysModule,
        RateLimitsModule,
        PublicApiModule,
        WebhooksModule,
        AuditModule,
        ReaperModule,
        HealthModule,
        MetricsModule,
      ],
    };
  }
}
