import { Inject, Injectable } from '@nestjs/common';
import { Wakeups } from '../../platform/database/wakeups.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { type Logger } from '../../platform/logging/logger.js';
import { type ControlPlaneConfig } from '../config.js';
import { GatewayClient } from '../gateway-client/index.js';
import { LedgerReader } from '../ledger/index.js';
import { RegistryService } from '../registry/index.js';
import { CONFIG, LOGGER, TOPICS, WokenLoop } from '../runtime/index.js';

/** Executions that one pass looks at. */
const MOST = 1_000;
/** Gateways may be slow to answer, and one must not hold up the others. */
const PARALLEL = 16;

/**
 * Ends executions that nobody is after any more: their tasks were cancelled, retried, or given up while the outcome was
 * open. What is under way is written down, so this works whichever replica began it, and after it is gone.
 */
@Injectable()
export class OrphansLoop extends WokenLoop {
  constructor(
    private readonly client: GatewayClient,
    private readonly ledger: LedgerReader,
    private readonly registry: RegistryService,
    wakeups: Wakeups,
    clock: ScheduleClock,
    @Inject(CONFIG) config: ControlPlaneConfig,
    @Inject(LOGGER) logger: Logger,
  ) {
    const intervalMs = config.scheduler.pollMs;
    super({ name: 'orphans', topic: TOPICS.cancelled, intervalMs, logger }, wakeups, clock.every);
  }

  protected async look(signal: AbortSignal): Promise<null> {
    const begun = await this.client.unsettled(MOST);
    if (begun.length === 0) return null;
    const open = await this.ledger.openKeysAmong(begun);
    const gateways = new Map((await this.registry.listGateways()).map((entry) => [entry.gatewayId, entry]));
    const orphans = begun.filter(({ key }) => !open.has(key));
    let next = 0;
    const lane = async () => {
      for (let at = orphans[next++]; at !== undefined && !signal.aborted; at = orphans[next++]) {
        const { gatewayId, taskId, key } = at;
        const gateway = gateways.get(gatewayId);
        if (gateway === undefined) continue;
        await this.client.cancel(gateway, key).catch((error: unknown) => {
          // It stays written down, and the next pass tries again.
          this.logger.debug({ err: error, taskId }, 'An execution could not be cancelled.');
        });
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, lane));
    return null;
  }
}
