import { type Database } from '../../platform/database/database.js';
import { type Clock } from './records.service.js';
import {
  type DayUsage,
  listDays,
  listSnapshots,
  pruneSnapshots,
  pruneUsage,
  takeSnapshot,
  type UsageSnapshot,
} from './usage.queries.js';

const DAY_MS = 86_400_000;
/** For so many days the usage of days is kept, and that of snapshots. */
const DAYS_KEPT = 90;
const SNAPSHOTS_KEPT = 30;
const DAYS_SHOWN = 30;
const SNAPSHOTS_SHOWN = 7;

export interface SnapshotTaken {
  readonly providers: number;
  /** How many rows of old days went. */
  readonly pruned: number;
}

/** The history of what was asked of model providers. */
export class ProvidersUsage {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Keeps the usage of this UTC day as it is now, and forgets what is old: days after 90, snapshots after 30. */
  snapshot(): Promise<SnapshotTaken> {
    return this.database.transaction(async (tx) => ({
      providers: await takeSnapshot(tx, this.dayAgo(0)),
      pruned:
        (await pruneUsage(tx, this.dayAgo(DAYS_KEPT))) +
        (await pruneSnapshots(tx, this.dayAgo(SNAPSHOTS_KEPT))),
    }));
  }

  async show(): Promise<{
    readonly days: readonly DayUsage[];
    readonly snapshots: readonly UsageSnapshot[];
  }> {
    return {
      days: await listDays(this.database, this.dayAgo(DAYS_SHOWN - 1)),
      snapshots: await listSnapshots(this.database, this.dayAgo(SNAPSHOTS_SHOWN - 1)),
    };
  }

  private dayAgo(days: number): string {
    return new Date(this.clock() - days * DAY_MS).toISOString().slice(0, 10);
  }
}
