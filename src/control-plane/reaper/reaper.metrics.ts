import { Injectable } from '@nestjs/common';
import { type Count, Meter } from '../../platform/metrics/meter.js';
import { type Verdict } from './domain/verdict.js';

const VERDICTS: readonly Verdict[] = ['release', 'time-out'];

/** What the reaper of this replica has done. */
@Injectable()
export class ReaperMetrics {
  readonly expiries: Readonly<Record<Verdict, Count>>;

  constructor(meter: Meter) {
    this.expiries = meter.counters(
      'skynet_lease_expiries_total',
      'Claims that the reaper of this replica has ended because their lease ran out, by what became of their tasks.',
      ...(['verdict', VERDICTS] as const),
    );
  }
}
