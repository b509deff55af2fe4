import { type Database } from '../../platform/database/database.js';
import { type LoopFigures } from '../../platform/loops/loop.js';
import { type Meter } from '../../platform/metrics/meter.js';
import { productVersion } from '../../platform/product-version.js';

/** Shows what is true of this replica: what it is, its loops, its connections. */
export function showReplicaFacts(
  meter: Meter,
  { database, loops }: { readonly database: Database; readonly loops: Iterable<LoopFigures> },
): void {
  const all = <T>(show: (loop: LoopFigures) => T) => [...loops].map(show);
  meter.gauges('skynet_build_info', 'Always 1; the label says what runs.', 'version', () => [
    [productVersion, 1],
  ]);
  meter.gauges(
    'skynet_loop_lag_seconds',
    'How much longer ago than its interval the last good pass of a loop ended; 0 while it keeps its time.',
    'loop',
    () => all(({ name, lagMs }) => [name, lagMs / 1_000] as const),
  );
  meter.gauges(
    'skynet_loop_interval_seconds',
    'The longest pause between two passes of a loop.',
    'loop',
    () => all(({ name, intervalMs }) => [name, intervalMs / 1_000] as const),
  );
  meter.readCounters(
    'skynet_loop_passes_total',
    'Passes of a loop, by whether they were good.',
    ['loop', 'outcome'],
    () =>
      all(({ name, passes }) => [
        [{ loop: name, outcome: 'good' }, passes.good] as const,
        [{ loop: name, outcome: 'failed' }, passes.failed] as const,
      ]).flat(),
  );
  meter.gauges('skynet_database_connections', 'Connections of the pool, by state.', 'state', () => [
    ['busy', database.figures.busy],
    ['idle', database.figures.idle],
  ]);
  meter.gauge(
    'skynet_database_connections_max',
    'Connections that the pool opens at most.',
    () => database.figures.most,
  );
  meter.gauge(
    'skynet_database_waiting_callers',
    'Callers who wait for a connection.',
    () => database.figures.waiting,
  );
  meter.readCounters(
    'skynet_database_troubles_total',
    'Calls that could not reach the database, and transactions that were run anew after a conflict.',
    ['kind'],
    () => [
      [{ kind: 'unavailable' }, database.troubles.unavailable],
      [{ kind: 'retried' }, database.troubles.retried],
    ],
  );
}
