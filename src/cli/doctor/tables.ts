import { type Asks } from '../../platform/database/session.js';
import { type Finding, ok, trouble, warning } from '../findings.js';
import {
  getPartitions,
  type Holder,
  listHolders,
  listTableStates,
  type TableState,
} from './doctor.queries.js';
import { bytes, span } from './words.js';

/** A table is told of with so many dead rows, and at least as many dead as living ones. */
const MANY_DEAD = 20_000;
const HOUR_SECONDS = 3_600;
/** Partitions are made two days ahead, every hour. */
const AHEAD_SECONDS = 24 * HOUR_SECONDS;

export interface TableLimits {
  /** How long a transaction may be open before it is told of. */
  readonly oldTransactionMs: number;
}

/** Dead rows, what keeps them from being removed, and the partitions of the event log. */
export async function lookAtTables(session: Asks, limits: TableLimits): Promise<Finding[]> {
  const tables = await listTableStates(session);
  return [
    ...lookAtBloat(tables),
    ...lookAtHorizon(await listHolders(session), limits),
    await lookAtPartitions(session),
  ];
}

function lookAtBloat(tables: readonly TableState[]): Finding[] {
  const bloated = tables.filter(({ dead, live }) => dead > MANY_DEAD && dead > live);
  if (bloated.length > 0) {
    return bloated.map(({ name, dead, live, vacuumedSeconds, bytes: size }) =>
      warning(
        'dead rows',
        `${name} has ${dead} dead rows beside ${live} living ones (${bytes(size)}), ${vacuumedSeconds === null ? 'never vacuumed' : `vacuumed ${span(vacuumedSeconds)} ago`}.`,
        'Autovacuum does not keep up, or something holds the horizon back (see there). Claims walk over what is dead.',
        `See that autovacuum is on, end what holds the horizon, then: vacuum (analyze) ${name}`,
      ),
    );
  }
  const largest = tables.toSorted((a, b) => b.bytes - a.bytes).slice(0, 3);
  const said = largest.map(({ name, bytes: size }) => `${name} ${bytes(size)}`).join(', ');
  return [
    ok(
      'dead rows',
      `Vacuum keeps up in all ${tables.length} tables.${said === '' ? '' : ` Largest: ${said}.`}`,
    ),
  ];
}

function lookAtHorizon(holders: readonly Holder[], { oldTransactionMs }: TableLimits): Finding[] {
  const found = holders.flatMap((holder): Finding[] => {
    const { kind, name, who, openSeconds } = holder;
    if (kind === 'slot') {
      return [
        warning(
          'horizon',
          `The replication slot ${name} (${who}) has no reader.`,
          'The server keeps what it would need: write-ahead log fills the disk, dead rows may stay.',
          `Bring its standby back, or: select pg_drop_replication_slot('${name}')`,
        ),
      ];
    }
    if (openSeconds === null || openSeconds * 1_000 < oldTransactionMs) return [];
    const level = openSeconds > HOUR_SECONDS ? trouble : warning;
    const meaning =
      'Vacuum cannot remove what died since, and readers of the event log wait for it if it has written. Transactions of the control plane are short.';
    return kind === 'prepared'
      ? [
          level(
            'horizon',
            `The prepared transaction ${name} of ${who} is ${span(openSeconds)} old.`,
            meaning,
            `rollback prepared '${name}'`,
          ),
        ]
      : [
          level(
            'horizon',
            `Process ${name} (${who}) has had a transaction open for ${span(openSeconds)}.`,
            meaning,
            `select pg_terminate_backend(${name}); and set idle_in_transaction_session_timeout for whoever forgot it.`,
          ),
        ];
  });
  return found.length > 0
    ? found
    : [ok('horizon', 'No old transaction, prepared transaction or idle slot holds it back.')];
}

async function lookAtPartitions(session: Asks): Promise<Finding> {
  const { many, aheadSeconds, oldest, newestEnd, inDefault } = await getPartitions(session);
  const said = `${many} of the event log, from ${oldest ?? 'the beginning'} to ${newestEnd ?? 'nowhere'}${inDefault > 0 ? `; about ${inDefault} events outside of them` : ''}.`;
  if (aheadSeconds !== null && aheadSeconds > AHEAD_SECONDS) return ok('partitions', said);
  const isLate = aheadSeconds === null || aheadSeconds <= 0;
  return (isLate ? trouble : warning)(
    'partitions',
    `${said} ${isLate ? 'None is there for now' : `The last ends in ${span(aheadSeconds)}`}.`,
    'Events are written all the same, to the default partition; they cannot be dropped by the day from there.',
    'A replica makes them every hour: see that one runs, and that its loop events-partitions has good passes.',
  );
}
