import { Module } from '@nestjs/common';
import { HealthModule } from '../health/index.js';
import { RegistryModule } from '../registry/index.js';
import { MetricsController } from './metrics.controller.js';
import { MetricsListener } from './metrics.listener.js';
import { MetricsService } from './metrics.service.js';

/** What an operator's monitoring reads, in the text format of Prometheus. */
@Module({
  imports: [RegistryModule, HealthModule],
  controllers: [MetricsController],
  providers: [MetricsService, MetricsListener],
})
export class MetricsModule {}
