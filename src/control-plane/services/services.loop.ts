import { Inject, Injectable } from '@nestjs/common';
import { Wakeups } from '../../platform/database/wakeups.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { type Logger } from '../../platform/logging/logger.js';
import { type ControlPlaneConfig } from '../config.js';
import { CONFIG, LOGGER, TOPICS, WokenLoop } from '../runtime/index.js';
import { ServicesUpkeep } from './services-upkeep.service.js';

/** Nobody tells when a host falls silent or begins to drain: it is looked for so often, or thrice within its timeout. */
const POLL_MS = 2_000;
/** All replicas wake at the same moment; what one is at, the others find done, or look at again after this. */
const BUSY_MS = 50;

/** Keeps services on their hosts: looks when something has changed, when something is due, and from time to time. */
@Injectable()
export class ServicesLoop extends WokenLoop {
  constructor(
    private readonly upkeep: ServicesUpkeep,
    wakeups: Wakeups,
    clock: ScheduleClock,
    @Inject(CONFIG) { skyclaw }: ControlPlaneConfig,
    @Inject(LOGGER) logger: Logger,
  ) {
    const intervalMs = Math.min(POLL_MS, Math.ceil(skyclaw.hostTimeoutMs / 3));
    const times = { intervalMs, shortestMs: BUSY_MS };
    super({ name: 'services', topic: TOPICS.services, ...times, logger }, wakeups, clock.every);
  }

  protected look(signal: AbortSignal): Promise<number | null> {
    return this.upkeep.pass(signal);
  }
}
