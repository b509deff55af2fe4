import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Tracer } from '../../platform/tracing/tracer.js';

/** Sends the last spans when the work is over that they tell of. */
@Injectable()
export class TracerLifecycle implements OnApplicationShutdown {
  constructor(private readonly tracer: Tracer) {}

  onApplicationShutdown(): Promise<void> {
    return this.tracer.close();
  }
}
