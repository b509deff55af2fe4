import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { errorCode } from '../../platform/database/errors.js';
import { type Instant } from '../../platform/database/row.js';
import { breath } from '../../platform/loops/breath.js';
import { type ControlPlaneConfig } from '../config.js';
import { CONFIG } from '../runtime/index.js';
import { missingPartitions, partitionDays } from './domain/partition-plan.js';
import {
  addPartition,
  databaseNow,
  deleteOrphans,
  dropPartition,
  listPartitions,
  raiseFloor,
} from './partitions.queries.js';

const DAY_MS = 86_400_000;
const BATCH = 5_000;
const BREATH_MS = 50;

/** Somebody held the log for longer than a change of its partitions may make others wait. */
const LOCK_NOT_AVAILABLE = '55P03';

/** From where on the log must stay. */
export interface Cutoff {
  readonly at: Instant;
  /** `at` in days before now, never less; grows while time passes. */
  daysAgo(): number;
}

/**
 * The pieces that the log is stored in: one a day, made ahead, dropped as a whole. Everything here may run in many
 * replicas at once: whoever comes second finds nothing to do.
 */
@Injectable()
export class PartitionsService {
  constructor(
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
  ) {}

  /** Makes the partitions of the days to come; returns how many. Writes nothing when they are there. */
  async makeAhead(): Promise<number> {
    const [now, partitions] = [await databaseNow(this.database), await listPartitions(this.database)];
    const newest = partitions.at(-1)?.to;
    const missing = missingPartitions(
      new Date(now),
      newest === undefined ? null : new Date(newest),
      partitionDays(this.config.ledger.retentionDays),
    );
    let made = 0;
    for (const { from, to } of missing) if (await addPartition(this.database, from, to)) made++;
    return made;
  }

  /**
   * Where to cut so that everything younger than `days` stays: at the beginning of the partition in which that is, so that
   * tasks and the partitions with their events go together. Followers who stand before it are told from now on that they
   * have missed something, before anything is gone.
   */
  async beginRetention(days: number): Promise<Cutoff> {
    const askedAtMs = performance.now();
    const nowMs = Date.parse(await databaseNow(this.database));
    const oldestWanted = nowMs - days * DAY_MS;
    const beginnings = (await listPartitions(this.database)).flatMap(({ from }) =>
      from !== null && Date.parse(from) <= oldestWanted ? [from] : [],
    );
    const boundary = beginnings.at(-1);
    if (boundary !== undefined) await raiseFloor(this.database, boundary);
    const cutMs = boundary === undefined ? oldestWanted : Date.parse(boundary);
    return {
      at: boundary ?? new Date(cutMs).toISOString(),
      daysAgo: () => (nowMs - cutMs + performance.now() - askedAtMs) / DAY_MS,
    };
  }

  /**
   * Drops the partitions that lie before the cut, once the tasks that ended before it are gone. Events of tasks that are
   * still there are kept; those of earlier rounds whose task has gone meanwhile are deleted.
   */
  async endRetention(cutoff: Cutoff, signal: AbortSignal): Promise<{ partitions: number; events: number }> {
    let partitions = 0;
    for (const { name, to } of await listPartitions(this.database)) {
      if (signal.aborted || Date.parse(to) > Date.parse(cutoff.at)) break;
      if (await this.drop(name)) partitions++;
    }
    let events = 0;
    for (let deleted = BATCH; deleted === BATCH && !signal.aborted; events += deleted) {
      deleted = await deleteOrphans(this.database, cutoff.at, BATCH);
      if (deleted === BATCH) await breath(BREATH_MS, signal);
    }
    return { partitions, events };
  }

  private async drop(name: string): Promise<boolean> {
    try {
      return (await dropPartition(this.database, name)) !== null;
    } catch (error) {
      // Nobody waits for us: the next round tries again.
      if (errorCode(error) === LOCK_NOT_AVAILABLE) return false;
      throw error;
    }
  }
}
