import { Inject, Injectable } from '@nestjs/common';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { type Logger } from '../../platform/logging/logger.js';
import { type ControlPlaneConfig } from '../config.js';
import { ApplicationLoop, CONFIG, HealthRegistry, LOGGER } from '../runtime/index.js';
import { RegistryService } from './registry.service.js';

/** A round takes about as long as its slowest probe, however many gateways are silent. */
const PARALLEL = 256;

/** Looks at every gateway from time to time, and brings back those that have recovered. Writes only what changed. */
@Injectable()
export class ProberLoop extends ApplicationLoop {
  constructor(
    private readonly registry: RegistryService,
    health: HealthRegistry,
    clock: ScheduleClock,
    @Inject(CONFIG) config: ControlPlaneConfig,
    @Inject(LOGGER) logger: Logger,
  ) {
    super({ name: 'prober', intervalMs: config.registry.probeIntervalMs, logger }, clock.every);
    health.register('gateway_client', () => (this.isFresh(3) ? 'ok' : 'not_initialized'));
    registry.onProbeRequested(() => this.nudge());
  }

  override onApplicationBootstrap(): void {
    // Seeding looks at the gateways of the configuration; listening does not wait for it.
    void this.registry.seed().finally(() => super.onApplicationBootstrap());
  }

  protected async runOnce(signal: AbortSignal): Promise<void> {
    const gateways = await this.registry.listGateways();
    let next = 0;
    const lane = async () => {
      for (
        let gateway = gateways[next++];
        gateway !== undefined && !signal.aborted;
        gateway = gateways[next++]
      ) {
        await this.registry.probe(gateway);
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, lane));
  }
}
