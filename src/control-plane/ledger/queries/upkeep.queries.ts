import { type Db } from '../../../platform/database/database.js';
import {
  instant,
  type Instant,
  integer,
  integerOrNull,
  onlyRow,
  type Row,
  text,
  textOrNull,
} from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { GATE } from '../domain/gate.js';
import { type Holder } from '../domain/task.js';
import { isPending } from './untold.queries.js';

const NEXT_DUE = statement(
  'ledger.nextDue',
  `select ceil(extract(epoch from min(t.next_attempt_at) - now()) * 1000)::float8 as in_ms
   from tasks t where t.gate = ${GATE.waitsForTime}`,
);

/** Milliseconds until the next resting task is due; zero or less when one is due, null when none rests. Writes nothing. */
export async function msUntilNextDue(db: Db): Promise<number | null> {
  const inMs = onlyRow(await db.query(NEXT_DUE))['in_ms'];
  return typeof inMs === 'number' ? inMs : null;
}

const PROMOTE = statement(
  'ledger.promoteDue',
  `with due as (
     select t.seq from tasks t where t.gate = ${GATE.waitsForTime} and t.next_attempt_at <= now()
     order by t.next_attempt_at limit $1 for no key update skip locked
   )
   update tasks t set gate = ${GATE.runnable}, version = t.version + 1, updated_at = now() from due
   where t.seq = due.seq returning t.seq`,
);

/** Makes resting tasks whose time has come runnable; returns how many. */
export async function promoteDue(db: Db, limit: number): Promise<number> {
  return (await db.query(PROMOTE, [limit])).length;
}

const LIST_DUE = statement(
  'ledger.listDue',
  `select t.seq from tasks t where t.gate = ${GATE.waitsForTime} and t.next_attempt_at <= now()
   order by t.next_attempt_at limit $1`,
);

/** The tasks that {@link promoteDue} would make runnable. */
export async function listDue(db: Db, limit: number): Promise<number[]> {
  return (await db.query(LIST_DUE, [limit])).map((row) => integer(row, 'seq'));
}

/** A lease that ran out, as the reaper judges it. */
export interface ExpiredLease {
  readonly taskId: string;
  readonly claimToken: string;
  readonly lockedBy: string;
  readonly holder: Holder;
  readonly gatewayId: string | null;
  readonly lockedAt: Instant;
  readonly attempts: number;
  readonly leaseNumber: number;
  readonly leaseExpiries: number;
  readonly maxAttempts: number;
  readonly seq: number;
}

const expiredFromRow = (row: Row): ExpiredLease => ({
  taskId: text(row, 'id'),
  claimToken: text(row, 'claim_token'),
  lockedBy: text(row, 'locked_by'),
  holder: text(row, 'holder') as Holder,
  gatewayId: textOrNull(row, 'gateway_id'),
  lockedAt: instant(row, 'locked_at'),
  attempts: integer(row, 'attempts'),
  leaseNumber: integer(row, 'lease_number'),
  leaseExpiries: integer(row, 'lease_expiries'),
  maxAttempts: integer(row, 'max_attempts'),
  seq: integer(row, 'seq'),
});

const EXPIRED = statement(
  'ledger.expiredLeases',
  `select t.seq, t.id, t.claim_token, t.locked_by, t.holder, t.gateway_id, t.locked_at, t.attempts, t.lease_expiries,
     t.max_attempts, t.lease_number
   from tasks t where t.gate = ${GATE.held} and t.lease_expires_at < now() and t.seq > $1 order by t.seq limit $2`,
);

/** Leases that have run out by the database's clock, after a position. */
export async function listExpiredLeases(db: Db, afterSeq: number, limit: number): Promise<ExpiredLease[]> {
  return (await db.query(EXPIRED, [afterSeq, limit])).map(expiredFromRow);
}

const LOCK_EXPIRED = statement(
  'ledger.lockExpired',
  `select t.seq from tasks t
   where t.seq = $1 and t.claim_token = $2 and t.gate = ${GATE.held} and t.lease_expires_at < now()
   for no key update skip locked`,
);

/** Locks a task if its lease is still expired: a renewal may have come between the look and now. */
export async function lockExpired(db: Db, seq: number, claimToken: string): Promise<boolean> {
  return (await db.query(LOCK_EXPIRED, [seq, claimToken])).length > 0;
}

const FORGOTTEN = statement(
  'ledger.forgottenChildren',
  `select t.seq, t.id from tasks t
   where t.gate = ${GATE.waitsForDependencies} and t.seq > $1 and t.updated_at < now() - interval '10 seconds'
     and not exists (
       select from task_dependencies d join tasks p on p.seq = d.parent_seq
       where d.child_seq = t.seq and ${isPending('p', 't')})
   order by t.seq limit $2`,
);

/** Tasks that wait for dependencies although all have succeeded, and will not be told. There must never be one. */
export async function findForgottenChildren(db: Db, limit: number): Promise<{ seq: number; id: string }[]> {
  const rows = await db.query(FORGOTTEN, [0, limit]);
  return rows.map((row) => ({ seq: integer(row, 'seq'), id: text(row, 'id') }));
}

const REPAIR = statement(
  'ledger.repairForgotten',
  `update tasks t set pending_dependencies = 0, version = t.version + 1, updated_at = now(),
     gate = case when t.next_attempt_at > now() then ${GATE.waitsForTime} else ${GATE.runnable} end
   where t.seq = any($1::bigint[]) and t.gate = ${GATE.waitsForDependencies} returning t.seq`,
);

export async function repairForgotten(db: Db, seqs: readonly number[]): Promise<number> {
  return (await db.query(REPAIR, [seqs])).length;
}

const PRUNE = statement(
  'ledger.pruneTasks',
  `with old as materialized (
     select t.seq, t.completed_at, t.has_dependents from tasks t
     where t.seq > $1 and t.created_at < now() - $2::float8 * interval '1 day' order by t.seq limit $3
   ), doomed as materialized (
     select t.seq, t.id from tasks t join old o on o.seq = t.seq
     where o.completed_at < now() - $2::float8 * interval '1 day'
       and (not o.has_dependents or not exists (
         select from task_dependencies d join tasks c on c.seq = d.child_seq
         where d.parent_seq = o.seq and c.completed_at is null))
     order by t.seq for update of t skip locked
   ), edges as (
     delete from task_dependencies d using doomed x where d.child_seq = x.seq or d.parent_seq = x.seq
   ), conflicts as (
     delete from file_conflicts f using doomed x where f.task_seq = x.seq or f.owner_seq = x.seq
   ), gone as (
     delete from tasks t using doomed x where t.seq = x.seq
   )
   select (select max(seq) from old) as last_seq, (select array_agg(id) from doomed) as ids`,
);

export interface Pruned {
  /** Where the next batch begins; null when all has been looked at. */
  readonly lastSeq: number | null;
  readonly taskIds: readonly string[];
}

/** Deletes a batch of tasks that ended more than `days` ago and that no unfinished task depends on. */
export async function pruneTasks(db: Db, afterSeq: number, days: number, limit: number): Promise<Pruned> {
  const row = onlyRow(await db.query(PRUNE, [afterSeq, days, limit]));
  return { lastSeq: integerOrNull(row, 'last_seq'), taskIds: (row['ids'] as string[] | null) ?? [] };
}
