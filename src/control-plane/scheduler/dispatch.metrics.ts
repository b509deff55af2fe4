import { Injectable } from '@nestjs/common';
import { type Count, LONG_SECONDS, Meter, type Spread } from '../../platform/metrics/meter.js';

/** What a dispatch came to: what a gateway said of its action, or why this replica is no longer after it. */
const DISPATCH_OUTCOMES = ['succeeded', 'failed', 'not_executed', 'unknown', 'handed_back', 'lost'] as const;
export type DispatchResult = (typeof DISPATCH_OUTCOMES)[number];

const ATTEMPTS = ['succeeded', 'failed', 'not_executed', 'unknown'] as const;

/** What this replica has sent to gateways. */
@Injectable()
export class DispatchMetrics {
  readonly dispatches: Readonly<Record<DispatchResult, Spread>>;
  readonly attempts: Readonly<Record<(typeof ATTEMPTS)[number], Count>>;

  constructor(meter: Meter) {
    this.dispatches = meter.spreads(
      'skynet_dispatch_seconds',
      'Time from the first attempt to send a task to a gateway to what came of it.',
      LONG_SECONDS,
      ...(['outcome', DISPATCH_OUTCOMES] as const),
    );
    this.attempts = meter.counters(
      'skynet_dispatch_attempts_total',
      'Requests to gateways for an execution, by what they came to; an open one is asked for again.',
      ...(['outcome', ATTEMPTS] as const),
    );
  }
}
