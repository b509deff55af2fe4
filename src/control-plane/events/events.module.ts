import { Module } from '@nestjs/common';
import { EventsController } from './events.controller.js';
import { EventsMetrics } from './events.metrics.js';
import { EventsService } from './events.service.js';
import { PartitionsLoop } from './partitions.loop.js';
import { PartitionsService } from './partitions.service.js';
import { LiveTail } from './stream/live-tail.js';
import { StreamsController } from './stream/streams.controller.js';
import { StreamsService } from './stream/streams.service.js';

/** The append-only log of what happened to tasks. */
@Module({
  controllers: [EventsController, StreamsController],
  providers: [EventsService, PartitionsService, PartitionsLoop, LiveTail, StreamsService, EventsMetrics],
  exports: [PartitionsService],
})
export class EventsModule {}
