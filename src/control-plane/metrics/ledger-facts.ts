import { type Database } from '../../platform/database/database.js';
import { type Meter } from '../../platform/metrics/meter.js';
import {
  type Bounded,
  byReason,
  byStatus,
  type CountedStatus,
  isBacklogPartial,
  type Reason,
} from './domain/task-counts.js';
import {
  BOUNDS,
  countOthers,
  countStandings,
  countWaiting,
  findLog,
  findOldestReady,
  keepToIndexes,
  type Log,
  type Others,
  type Ready,
} from './metrics.queries.js';

/** What is true of the whole ledger, whichever replica looks. */
export interface LedgerFacts {
  readonly ready: Ready;
  readonly statuses: Readonly<Record<CountedStatus, Bounded>>;
  readonly reasons: Readonly<Record<Reason, Bounded>>;
  readonly others: Others;
  readonly log: Log;
}

/** Reads the facts, one statement after the other over one connection. */
export function findLedgerFacts(database: Database): Promise<LedgerFacts> {
  return database.transaction(async (tx) => {
    await keepToIndexes(tx);
    const ready = await findOldestReady(tx);
    const standings = await countStandings(tx);
    const isPartial = isBacklogPartial(standings, BOUNDS.counted);
    return {
      ready,
      statuses: byStatus(standings, BOUNDS.counted),
      reasons: byReason(standings, isPartial ? await countWaiting(tx) : null),
      others: await countOthers(tx),
      log: await findLog(tx),
    };
  });
}

/**
 * Shows the facts of the last look; nothing when it failed. No figure goes by project: projects are named by callers, so
 * their names are ids, and a monitoring that keeps a series for each would grow with every project that ever was.
 */
export function showLedgerFacts(meter: Meter, facts: () => LedgerFacts | undefined): void {
  const counts = (of: (facts: LedgerFacts) => Readonly<Record<string, Bounded>>) => () => {
    const found = facts();
    return found === undefined
      ? []
      : Object.entries(of(found)).map(([name, { count }]) => [name, count] as const);
  };
  const bounds = (of: (facts: LedgerFacts) => Readonly<Record<string, Bounded>>) => () => {
    const found = facts();
    return found === undefined
      ? []
      : Object.entries(of(found)).map(([name, { isPartial }]) => [name, isPartial ? 1 : 0] as const);
  };
  const gauge = (name: string, help: string, of: (facts: LedgerFacts) => number | boolean) =>
    meter.gauge(name, help, () => {
      const found = facts();
      return found === undefined ? undefined : Number(of(found));
    });

  meter.gauges(
    'skynet_tasks',
    'Tasks that have not succeeded, by status.',
    'status',
    counts(({ statuses }) => statuses),
  );
  meter.gauges(
    'skynet_tasks_partial',
    `1 when there may be more tasks of the status than skynet_tasks says: of those that wait, are held and have failed the first ${BOUNDS.counted} are counted.`,
    'status',
    bounds(({ statuses }) => statuses),
  );
  meter.gauges(
    'skynet_pending_tasks',
    'Tasks that nobody holds, by what they wait for; ready: for somebody who takes them.',
    'reason',
    counts(({ reasons }) => reasons),
  );
  meter.gauges(
    'skynet_pending_partial',
    `1 when there may be more tasks that wait for that than skynet_pending_tasks says: ${BOUNDS.counted} are counted.`,
    'reason',
    bounds(({ reasons }) => reasons),
  );
  gauge(
    'skynet_oldest_ready_age_seconds',
    'How long the longest of the ready tasks has been ready; 0 when there is none.',
    ({ ready }) => ready.oldestMs / 1_000,
  );
  gauge(
    'skynet_ready_partial',
    `1 when not all ready tasks were looked at for the oldest: the first ${BOUNDS.tasksOfALine} of each project and lane are, of ${BOUNDS.lines} of those.`,
    ({ ready }) => ready.isPartial,
  );
  meter.gauges('skynet_file_locks', 'Files that tasks own, by mode.', 'mode', () =>
    Object.entries(facts()?.others.fileLocks ?? {}),
  );
  gauge(
    'skynet_file_locks_partial',
    `1 when there may be more than skynet_file_locks says: ${BOUNDS.counted} are counted.`,
    ({ others: { fileLocks } }) => fileLocks.read + fileLocks.write >= BOUNDS.counted,
  );
  gauge(
    'skynet_untold_ends',
    'Ends that their dependents are still being told of.',
    ({ others }) => others.untoldEnds,
  );
  gauge(
    'skynet_untold_ends_partial',
    `1 when there may be more than skynet_untold_ends says: ${BOUNDS.counted} are counted.`,
    ({ others }) => others.untoldEnds >= BOUNDS.counted,
  );
  gauge('skynet_event_position', 'The id of the newest event.', ({ log }) => log.position);
  gauge(
    'skynet_event_horizon_transactions',
    'Transactions begun since the oldest that is open: readers of the log see what they wrote only after that one.',
    ({ log }) => log.behind,
  );
  gauge(
    'skynet_event_horizon_age_seconds',
    'How long the oldest transaction that has written something is open, of those that this role may see.',
    ({ log }) => log.openSeconds,
  );
}
