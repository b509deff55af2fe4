import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { type Logger } from '../../platform/logging/logger.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { type ControlPlaneConfig } from '../config.js';
import { ApplicationLoop, CONFIG, LOGGER, REPLICA } from '../runtime/index.js';
import { beat, leave } from './cluster.queries.js';

const INTERVAL_MS = 10_000;

/** Says every ten seconds that this replica is there, and takes it off the list when it ends. */
@Injectable()
export class ReplicasLoop extends ApplicationLoop {
  constructor(
    private readonly database: Database,
    clock: ScheduleClock,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(REPLICA) private readonly replica: string,
    @Inject(LOGGER) logger: Logger,
  ) {
    super({ name: 'replicas', intervalMs: INTERVAL_MS, logger }, clock.every);
  }

  override onApplicationBootstrap(): void {
    this.start();
  }

  override async beforeApplicationShutdown(): Promise<void> {
    await super.beforeApplicationShutdown();
    await this.database
      .transaction((tx) => leave(tx, this.replica))
      .catch((error: unknown) =>
        this.logger.debug({ err: error }, 'This replica could not be taken off the list; it ages out.'),
      );
  }

  protected runOnce(): Promise<void> {
    const { skyclaw, cluster } = this.config;
    const self = { replica: this.replica, nodeId: skyclaw.nodeId, publicUrl: cluster.publicUrl ?? null };
    return this.database.transaction((tx) => beat(tx, self));
  }
}
