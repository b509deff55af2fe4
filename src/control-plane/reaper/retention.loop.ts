import { Inject, Injectable } from '@nestjs/common';
import { breath } from '../../platform/loops/breath.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { type Logger } from '../../platform/logging/logger.js';
import { type ControlPlaneConfig } from '../config.js';
import { PartitionsService } from '../events/index.js';
import { IdempotencyService } from '../idempotency/index.js';
import { HostJobs, JobLocksService, UpkeepService } from '../ledger/index.js';
import { LogsUpkeep } from '../logs/index.js';
import { HostsRegistry } from '../registry/index.js';
import { ApplicationLoop, CONFIG, LOGGER } from '../runtime/index.js';

const INTERVAL_MS = 10 * 60_000;
const BATCH = 500;
/** Hosts are remembered at least so long after they were heard of. */
const HOST_DAYS = 30;
/** Between two batches, so that a large backlog of old rows never crowds out the present. */
const BREATH_MS = 50;

/** Deletes what has been kept long enough: finished tasks with their events, idempotency keys, job locks. */
@Injectable()
export class RetentionLoop extends ApplicationLoop {
  constructor(
    private readonly upkeep: UpkeepService,
    private readonly partitions: PartitionsService,
    private readonly idempotency: IdempotencyService,
    private readonly jobLocks: JobLocksService,
    private readonly jobs: HostJobs,
    private readonly hosts: HostsRegistry,
    private readonly logs: LogsUpkeep,
    clock: ScheduleClock,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(LOGGER) logger: Logger,
  ) {
    super({ name: 'retention', intervalMs: INTERVAL_MS, logger }, clock.every);
  }

  protected async runOnce(signal: AbortSignal): Promise<void> {
    const { tasks, partitions, events } = await this.pruneTasks(signal);
    let keys = 0;
    for (let deleted = BATCH; deleted === BATCH && !signal.aborted; keys += deleted) {
      deleted = await this.idempotency.prune(BATCH);
      if (deleted === BATCH) await breath(BREATH_MS, signal);
    }
    const locks = await this.jobLocks.cleanup();
    const hosts = await this.pruneHosts(signal);
    const outputs = await this.pruneOutputs(signal);
    if (tasks + partitions + events + keys + locks + hosts + outputs > 0) {
      this.logger.info({ tasks, partitions, events, keys, locks, hosts, outputs }, 'Old rows were deleted.');
    }
  }

  /** Output of jobs that are gone, and of services that are gone or have printed it long ago. */
  private async pruneOutputs(signal: AbortSignal): Promise<number> {
    const { retentionDays } = this.config.ledger;
    if (retentionDays === 0) return 0;
    let pruned = 0;
    type Jobs = Awaited<ReturnType<LogsUpkeep['pruneJobs']>>;
    for (let after: Jobs['next'] = null, more = true; more && !signal.aborted;) {
      const { outputs, next }: Jobs = await this.logs.pruneJobs(retentionDays, after);
      [pruned, after, more] = [pruned + outputs, next, next !== null];
      if (more) await breath(BREATH_MS, signal);
    }
    for (let after: string | null = ''; after !== null && !signal.aborted;) {
      const { outputs, next } = await this.logs.pruneServices(retentionDays, after);
      [pruned, after] = [pruned + outputs, next];
      if (after !== null) await breath(BREATH_MS, signal);
    }
    return pruned;
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
      if (after !== null) await breath(BREATH_MS, signal);
    }
    // What is left of an interrupted round would be taken for events of tasks that must stay.
    if (signal.aborted) return { tasks, partitions: 0, events: 0 };
    return { tasks, ...(await this.partitions.endRetention(cutoff, signal)) };
  }
}
