import { Inject, Injectable } from '@nestjs/common';
import { Wakeups } from '../../platform/database/wakeups.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { type Logger } from '../../platform/logging/logger.js';
import { GatewayClient } from '../gateway-client/index.js';
import { LOGGER, TOPICS, WokenLoop } from '../runtime/index.js';
import { type Gateway } from './gateways.queries.js';
import { RegistryService } from './registry.service.js';

const INTERVAL_MS = 5_000;

/**
 * Tells gateways that are drained, if they can be told, that they are to take nothing new from others either, and lets them
 * go again when the drain is over. What was said is written down, so any replica goes on with it.
 */
@Injectable()
export class DrainsLoop extends WokenLoop {
  constructor(
    private readonly registry: RegistryService,
    private readonly client: GatewayClient,
    wakeups: Wakeups,
    clock: ScheduleClock,
    @Inject(LOGGER) logger: Logger,
  ) {
    super({ name: 'drains', topic: TOPICS.drains, intervalMs: INTERVAL_MS, logger }, wakeups, clock.every);
  }

  protected async look(): Promise<null> {
    const suspended = await this.client.suspended();
    const gateways = await this.registry.listGateways();
    await Promise.all(
      gateways
        .filter(({ gatewayId, drainSince }) => drainSince !== null || suspended.has(gatewayId))
        .map((gateway) =>
          this.tell(gateway).catch((error: unknown) => {
            // The next pass tries again; a gateway that hears nothing more opens by itself.
            this.logger.debug(
              { err: error, gatewayId: gateway.gatewayId },
              'A gateway could not be told of its drain.',
            );
          }),
        ),
    );
    return null;
  }

  private async tell(gateway: Gateway): Promise<void> {
    const { gatewayId, drainSince } = gateway;
    if (drainSince === null) {
      await this.client.unsuspend(gateway);
      this.registry.requestProbe();
      this.logger.info({ gatewayId }, 'A gateway takes new work again.');
    } else if (await this.client.suspend(gateway)) {
      this.logger.info({ gatewayId }, 'A drained gateway is idle and takes nothing new from anybody.');
    }
  }
}
