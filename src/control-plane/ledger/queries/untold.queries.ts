import { type Db, type Tx } from '../../../platform/database/database.js';
import { flag, integer, onlyRow, textOrNull } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { type UntoldEnd } from '../domain/untold-end.js';

/** Ends as three arrays, for `unnest`. */
export const columnsOfEnds = (ends: readonly UntoldEnd[]): unknown[] => [
  ends.map(({ parentSeq }) => parentSeq),
  ends.map(({ nextSeq }) => nextSeq),
  ends.map(({ lastSeq }) => lastSeq),
];

/** Whether a dependent still waits for a dependency: until that has succeeded and the dependent has been told. */
export const isPending = (parent: string, child: string): string =>
  `(${parent}.status <> 'succeeded' or exists (
       select from untold_ends u where u.parent_seq = ${parent}.seq and ${child}.seq between u.next_seq and u.last_seq))`;

/** Portions share it, and a recount of dependencies excludes them: see {@link holdTelling}. */
const TELLING = 7_205_061_115;

const SHARE_TELLING = statement('ledger.shareTelling', `select pg_advisory_xact_lock_shared(${TELLING})`);
const HOLD_TELLING = statement('ledger.holdTelling', `select pg_advisory_xact_lock(${TELLING})`);

/**
 * Lets no portion be told until the commit. Who counts the dependencies of a task that is waiting again must know which
 * ends will still be told to it, and a portion passes over a task that does not wait. Taken before all other locks.
 */
export async function holdTelling(tx: Tx): Promise<void> {
  await tx.query(HOLD_TELLING);
}

const KEEP = statement(
  'ledger.keepUntold',
  `insert into untold_ends as u (parent_seq, next_seq, last_seq, told_at)
   select e.parent_seq, e.next_seq, least(e.last_seq, newest.child_seq), clock_timestamp()
   from unnest($1::bigint[], $2::bigint[], $3::bigint[]) e(parent_seq, next_seq, last_seq)
   cross join lateral (
     select d.child_seq from task_dependencies d where d.parent_seq = e.parent_seq order by d.child_seq desc limit 1
   ) newest
   order by e.parent_seq
   on conflict (parent_seq) do update set next_seq = excluded.next_seq, told_at = excluded.told_at`,
);

/**
 * Writes down that dependents have not been told of ends. In the transaction of an end: the dependents of that time are
 * all that will ever wait for it, and those that come later have larger numbers.
 */
export async function keepUntold(tx: Tx, ends: readonly UntoldEnd[]): Promise<void> {
  await tx.query(KEEP, columnsOfEnds(ends));
}

const HAS_UNTOLD = statement('ledger.hasUntold', 'select exists (select from untold_ends) as untold');

/** Whether there is anything to tell. */
export async function hasUntold(db: Db): Promise<boolean> {
  return flag(onlyRow(await db.query(HAS_UNTOLD)), 'untold');
}

const TAKE = statement(
  'ledger.takeUntold',
  `select u.parent_seq, u.next_seq, u.last_seq,
     (select p.status from tasks p where p.seq = u.parent_seq) as status
   from untold_ends u order by u.told_at, u.parent_seq limit $1 for update of u skip locked`,
);

/** An end with what it is: null when nothing is left of it, because it was pruned. */
export interface TakenEnd extends UntoldEnd {
  readonly status: string | null;
}

/** Takes ends that nobody else is telling, in turn. In a statement of its own: what is told must be seen after this. */
export async function takeUntold(tx: Tx, limit: number): Promise<TakenEnd[]> {
  await tx.query(SHARE_TELLING);
  return (await tx.query(TAKE, [limit])).map((row) => ({
    parentSeq: integer(row, 'parent_seq'),
    nextSeq: integer(row, 'next_seq'),
    lastSeq: integer(row, 'last_seq'),
    status: textOrNull(row, 'status'),
  }));
}

const DROP = statement(
  'ledger.dropUntold',
  'delete from untold_ends u where u.parent_seq = any($1::bigint[])',
);

/** Everybody has been told of these ends, or nobody need be any more. */
export async function dropUntold(tx: Tx, parentSeqs: readonly number[]): Promise<void> {
  await tx.query(DROP, [parentSeqs]);
}
