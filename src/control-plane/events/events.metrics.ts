import { Injectable } from '@nestjs/common';
import { Meter } from '../../platform/metrics/meter.js';
import { LiveTail } from './stream/live-tail.js';
import { StreamsService } from './stream/streams.service.js';

/** How those who follow the log are served by this replica. */
@Injectable()
export class EventsMetrics {
  constructor(meter: Meter, tail: LiveTail, streams: StreamsService) {
    meter.gauge(
      'skynet_event_reader_lag_seconds',
      'How long ago the reader that all event streams of this replica share was last at the end of the log; 0 while nobody follows.',
      () => tail.readerLagMs / 1_000,
    );
    meter.gauge('skynet_event_streams', 'Event streams that this replica serves.', () => streams.count);
  }
}
