import { Module } from '@nestjs/common';
import { RegistryModule } from '../registry/index.js';
import { MetricsController } from './metrics.controller.js';
import { MetricsService } from './metrics.service.js';

/** What an operator's monitoring reads, in the text format of Prometheus. */
@Module({
  imports: [RegistryModule],
  controllers: [MetricsController],
  providers: [MetricsService],
})
export class MetricsModule {}
