const DAY_MS = 86_400_000;

/** Partitions exist so far ahead at least; a replica that is down for less than that misses nothing. */
const AHEAD_MS = 2 * DAY_MS;

/** About so many partitions are kept, since every reader of the whole log opens all of them. */
const MAX_KEPT = 40;

/** How many days an endless log puts into one partition. */
const ENDLESS_DAYS = 30;

/** How many days a new partition spans: one, unless so long a memory would make too many of them. 0 keeps for ever. */
export function partitionDays(retentionDays: number): number {
  return retentionDays === 0 ? ENDLESS_DAYS : Math.max(1, Math.ceil(retentionDays / MAX_KEPT));
}

export interface Range {
  readonly from: Date;
  /** Exclusive. */
  readonly to: Date;
}

/**
 * The partitions that are missing: from where the newest ends, but not before today (UTC), until there are enough ahead.
 * Days that passed without a partition stay without: what was written then is in the default partition.
 */
export function missingPartitions(now: Date, newestEnd: Date | null, days: number): Range[] {
  const today = Math.floor(now.getTime() / DAY_MS) * DAY_MS;
  const ranges: Range[] = [];
  for (let from = Math.max(today, newestEnd?.getTime() ?? today); from < now.getTime() + AHEAD_MS;) {
    const to = from + days * DAY_MS;
    ranges.push({ from: new Date(from), to: new Date(to) });
    from = to;
  }
  return ranges;
}
