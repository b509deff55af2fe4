import { setTimeout as wait } from 'node:timers/promises';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Loop } from '../../platform/loops/loop.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { type Logger } from '../../platform/logging/logger.js';
import { type ControlPlaneConfig } from '../config.js';
import { PartitionsService } from '../events/index.js';
import { IdempotencyService } from '../idempotency/index.js';
import { HostJobs, JobLocksService, UpkeepService } from '../ledger/index.js';
import { HostsRegistry } from '../registry/index.js';
import { CONFIG, LOGGER } from '../runtime/index.js';

const INTERVAL_MS = 10 * 60_000;
const BATCH = 500;
/** Hosts are remembered at least so long after they were heard of. */
const HOST_DAYS = 30;
/** Between two batches, so that a large backlog of old rows never crowds out the present. */
const BREATH_MS = 50;

/** Deletes what has been kept long enough: finished tasks with their events, idempotency keys, job locks. */
@Injectable()
export class RetentionLoop extends Loop implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly upkeep: UpkeepService,
    private readonly partitions: PartitionsService,
    private readonly idempotency: IdempotencyService,
    private readonly jobLocks: JobLocksService,
    private readonly jobs: HostJobs,
    private readonly hosts: HostsRegistry,
    clock: ScheduleClock,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(LOGGER) logger: Logger,
  ) {
    super({ name: 'retention', intervalMs: INTERVAL_MS, logger }, clock.every);
  }

  onApplicationBootstrap(): void {
    this.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.stop();
  }

  protected async runOnce(signal: AbortSignal): Promise<void> {
    const { tasks, partitions, events } = await this.pruneTasks(signal);
    let keys = 0;
    for (let deleted = BATCH; deleted === BATCH && !signal.aborted; keys += deleted) {
      deleted = await this.idempotency.prune(BATCH);
      if (deleted === BATCH) await breath(signal);
    }
    const locks = await this.jobLocks.cleanup();
    const hosts = await this.pruneHosts(signal);
    if (tasks + partitions + events + keys + locks + hosts > 0) {
      this.logger.info({ tasks, partitions, events, keys, locks, hosts }, 'Old rows were deleted.');
    }
  }

  /** Hosts that have been silent for so long that none of their jobs is kept any more. */
  private async pruneHosts(signal: AbortSignal): Promise<number> {
    const { retentionDays } = this.config.ledger;
    if (retentionDays === 0) return 0;
    let forgotten = 0;
    for (let deleted = BATCH; deleted === BATCH && !signal.aborted; forgotten += deleted) {
      const ids = await this.hosts.prune(Math.max(retentionDays, HOST_DAYS), BATCH);
      deleted = ids.length;
      if (deleted > 0) await this.jobs.dropSlots(ids);
    }
    return forgotten;
  }

  /** Tasks first, then the partitions with their events: so long as an event is there and above the floor, so is its task. */
  private async pruneTasks(
    signal: AbortSignal,
  ): Promise<{ tasks: number; partitions: number; events: number }> {
    const { retentionDays } = this.config.ledger;
    if (retentionDays === 0) return { tasks: 0, partitions: 0, events: 0 };
    const cutoff = await this.partitions.beginRetention(retentionDays);
    let tasks = 0;
    let after: number | null = 0;
    while (after !== null && !signal.aborted) {
      const { lastSeq, taskIds } = await this.upkeep.prune(after, cutoff.daysAgo());
      tasks += taskIds.length;
      after = lastSeq;
      if (after !== null) await breath(signal);
    }
    // What is left of an interrupted round would be taken for events of tasks that must stay.
    if (signal.aborted) return { tasks, partitions: 0, events: 0 };
    return { tasks, ...(await this.partitions.endRetention(cutoff, signal)) };
  }
}

async function breath(signal: AbortSignal): Promise<void> {
  await wait(BREATH_MS, undefined, { signal }).catch(() => undefined);
}
