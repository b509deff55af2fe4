import { type Db } from '../../platform/database/database.js';
import { flag, integer, onlyRow } from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';

/** Standbys whose word commits wait for, by the server's own account. */
const SYNCHRONOUS = `r.state = 'streaming' and r.sync_state in ('sync', 'quorum')`;

const COUNT = statement(
  'cluster.countStandbys',
  `select count(*) as attached from pg_stat_replication r where ${SYNCHRONOUS}`,
);

/** How many synchronous standbys are attached. A role that may not see them counts none. */
export async function countStandbys(db: Db): Promise<number> {
  return integer(onlyRow(await db.query(COUNT)), 'attached');
}

const LOOK = statement(
  'cluster.lookAtCommits',
  `select
     (select count(*) from pg_stat_replication r
      where ${SYNCHRONOUS} and r.flush_lsn >= pg_current_wal_flush_lsn()) as caught_up,
     exists (select from pg_stat_activity a
      where a.wait_event = 'SyncRep' and a.application_name = current_setting('application_name')
        and a.query_start < clock_timestamp() - $1::float8 * interval '1 millisecond') as is_waiting`,
);

/** How many synchronous standbys have all that was written, and whether a commit of this replica waits for one for `ms`. */
export async function lookAtCommits(
  db: Db,
  ms: number,
): Promise<{ readonly caughtUp: number; readonly isWaiting: boolean }> {
  const row = onlyRow(await db.query(LOOK, [ms]));
  return { caughtUp: integer(row, 'caught_up'), isWaiting: flag(row, 'is_waiting') };
}

const MAY_SEE = statement(
  'cluster.maySeeStandbys',
  `select pg_has_role(current_user, 'pg_read_all_stats', 'usage') as allowed`,
);

/** Whether the role may see the state of standbys. */
export async function maySeeStandbys(db: Db): Promise<boolean> {
  return flag(onlyRow(await db.query(MAY_SEE)), 'allowed');
}
