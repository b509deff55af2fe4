import { type Tx } from '../../../platform/database/database.js';
import { flag, integer, integerOrNull, integers, onlyRow, type Row } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { appendEvents } from '../../events/index.js';
import { GATE } from '../domain/gate.js';
import { verbs } from '../domain/task-state.js';
import { type UntoldEnd, untoldEnd } from '../domain/untold-end.js';
import { inStates } from './states.js';
import { columnsOfEnds, isPending } from './untold.queries.js';

/**
 * `edges`: one more than the first $4 edges of the ends, end by end in the given order, each from its first dependent on;
 * `told`: those without that last one. The order is that of the index, so no more is read than that.
 */
const FIRST_EDGES = `edges as materialized (
     select e.n, e.parent_seq, d.child_seq
     from unnest($1::bigint[], $2::bigint[], $3::bigint[]) with ordinality e(parent_seq, next_seq, last_seq, n)
     cross join lateral (
       select d.child_seq from task_dependencies d
       where d.parent_seq = e.parent_seq and d.child_seq between e.next_seq and e.last_seq
       order by d.child_seq limit $4::integer + 1
     ) d
     order by e.n, d.child_seq limit $4::integer + 1
   ), told as materialized (
     select e.parent_seq, e.child_seq from edges e order by e.n, e.child_seq limit $4::integer
   ), untold as (
     select e.n, e.child_seq from edges e order by e.n, e.child_seq offset $4::integer
   )`;

/** The ends that are left, from the first edge that was not told on. */
function leftOf(ends: readonly UntoldEnd[], row: Row): UntoldEnd[] {
  const place = integerOrNull(row, 'untold_end');
  const nextSeq = integerOrNull(row, 'untold_child');
  if (place === null || nextSeq === null) return [];
  return ends.slice(place - 1).map((end, index) => (index === 0 ? { ...end, nextSeq } : end));
}

const SATISFY = statement(
  'ledger.satisfyDependents',
  `with ${FIRST_EDGES}, parents as materialized (
     select e.child_seq, count(*)::integer as parents from told e group by e.child_seq
   ), children as materialized (
     select t.seq, e.parents from tasks t join parents e on e.child_seq = t.seq
     where t.gate = ${GATE.waitsForDependencies} order by t.seq for no key update of t
   ), counted as (
     update tasks t set pending_dependencies = t.pending_dependencies - c.parents,
       gate = case when t.pending_dependencies > c.parents then ${GATE.waitsForDependencies}
                   when t.next_attempt_at > now() then ${GATE.waitsForTime} else ${GATE.runnable} end,
       version = t.version + 1, updated_at = now()
     from children c where t.seq = c.seq
     returning t.gate
   )
   select count(*) filter (where gate = ${GATE.runnable}) > 0 as ready,
     count(*) filter (where gate = ${GATE.waitsForTime}) > 0 as resting,
     (select u.n from untold u) as untold_end, (select u.child_seq from untold u) as untold_child
   from counted`,
);

export interface Satisfied {
  /** Whether some became ready. */
  readonly ready: boolean;
  /** Whether some wait for their time. */
  readonly resting: boolean;
  readonly left: readonly UntoldEnd[];
}

/** Counts successes towards their dependents, along up to `limit` edges. What is left is the caller's to keep. */
export async function satisfyDependents(
  tx: Tx,
  ends: readonly UntoldEnd[],
  limit: number,
): Promise<Satisfied> {
  const row = onlyRow(await tx.query(SATISFY, [...columnsOfEnds(ends), limit]));
  return { ready: flag(row, 'ready'), resting: flag(row, 'resting'), left: leftOf(ends, row) };
}

/** Fails the tasks of `children(seq, parent_seq)` that wait, and says why. */
const FAILED_CHILDREN = `locked as materialized (
     select t.seq, t.status as from_status, c.parent_seq from tasks t join children c on c.seq = t.seq
     where ${inStates('t.status', verbs.failWithDependency.from)}
     order by t.seq for no key update of t
   ), failed as (
     update tasks t set status = 'failed', gate = ${GATE.failed}, failed_dependency = p.seq, completed_at = now(),
       error = format('Dependency ''%s'' ended %s.', p.id, p.status), pending_dependencies = 0,
       version = t.version + 1, updated_at = now()
     from locked l join tasks p on p.seq = l.parent_seq
     where t.seq = l.seq and ${inStates('t.status', verbs.failWithDependency.from)}
     returning t.seq, t.id, t.version, t.error, t.has_dependents, l.from_status
   ), logged as (
     ${appendEvents('failed', { type: 'dependency_failed', from: 'from_status', to: `'failed'`, message: 'error' })}
   )`;

const FAIL = statement(
  'ledger.failDependents',
  `with ${FIRST_EDGES}, children as (
     select e.child_seq as seq, min(e.parent_seq) as parent_seq from told e group by e.child_seq
   ), ${FAILED_CHILDREN}
   select (select count(*) from told) as told,
     coalesce((select json_agg(f.seq order by f.seq) from failed f where f.has_dependents), '[]') as parents,
     (select u.n from untold u) as untold_end, (select u.child_seq from untold u) as untold_child`,
);

/** A level costs a statement even if it has one task: at least as much as this many edges. */
const LEAST_OF_A_LEVEL = 20;

/**
 * Fails what waits for failed tasks, and what waits for that, along up to `limit` edges. Level by level, each its own
 * statement: a child that was committed while a level waited for a lock is then seen. Returns the ends that are left, for
 * the caller to keep.
 */
export async function failDependents(
  tx: Tx,
  ends: readonly UntoldEnd[],
  limit: number,
): Promise<readonly UntoldEnd[]> {
  const left: UntoldEnd[] = [];
  let level = ends;
  for (let more = limit; level.length > 0 && more > 0;) {
    const row = onlyRow(await tx.query(FAIL, [...columnsOfEnds(level), more]));
    more -= Math.max(integer(row, 'told'), LEAST_OF_A_LEVEL);
    left.push(...leftOf(level, row));
    level = integers(row, 'parents').map(untoldEnd);
  }
  return [...left, ...level];
}

const FAIL_AMONG = statement(
  'ledger.failDependentsAmong',
  `with children as (
     select d.child_seq as seq, min(d.parent_seq) as parent_seq from task_dependencies d
     where d.parent_seq = any($1::bigint[]) and d.child_seq = any($2::bigint[]) group by d.child_seq
   ), ${FAILED_CHILDREN}
   select seq from failed order by seq`,
);

/** The same for those of `childSeqs` alone, all of them: tasks that the caller has just written. */
export async function failDependentsAmong(
  tx: Tx,
  parentSeqs: readonly number[],
  childSeqs: readonly number[],
): Promise<void> {
  for (let level = parentSeqs; level.length > 0;) {
    level = (await tx.query(FAIL_AMONG, [level, childSeqs])).map((row) => integer(row, 'seq'));
  }
}

const HOLD_PARENTS = statement(
  'ledger.holdParentsOfDependents',
  `select p.seq from tasks p
   where p.seq in (
     select siblings.parent_seq from task_dependencies d
     join tasks t on t.seq = d.child_seq and t.status = 'failed' and t.failed_dependency = any($1::bigint[])
     join task_dependencies siblings on siblings.child_seq = t.seq
     where d.parent_seq = any($1::bigint[]))
   order by p.seq for share`,
);

const REQUEUE_DEPENDENTS = statement(
  'ledger.requeueDependents',
  `with children as materialized (
     select t.seq from tasks t join task_dependencies d on d.child_seq = t.seq
     where d.parent_seq = any($1::bigint[]) and t.status = 'failed' and t.failed_dependency = any($1::bigint[])
     order by t.seq for no key update of t
   ), standing as (
     select c.seq, count(*) filter (where ${isPending('p', 'c')}) as pending,
       min(p.seq) filter (where ${inStates('p.status', verbs.retry.from)}) as failed_seq
     from children c join task_dependencies d on d.child_seq = c.seq join tasks p on p.seq = d.parent_seq
     group by c.seq
   ), requeued as (
     update tasks t set status = 'queued', gate = ${GATE.waitsForDependencies}, pending_dependencies = s.pending,
       failed_dependency = null, error = '', completed_at = null, attempts = 0, lease_expiries = 0,
       version = t.version + 1, updated_at = now()
     from standing s where t.seq = s.seq and s.failed_seq is null
     returning t.seq, t.id, t.version
   ), blamed as (
     update tasks t set failed_dependency = p.seq, error = format('Dependency ''%s'' ended %s.', p.id, p.status),
       version = t.version + 1, updated_at = now()
     from standing s join tasks p on p.seq = s.failed_seq where t.seq = s.seq
   ), waiting as (
     delete from untold_ends u using requeued r where u.parent_seq = r.seq
   ), logged as (
     ${appendEvents('requeued', {
       type: 'retried',
       from: `'failed'`,
       to: `'queued'`,
       message: `'A dependency is tried again.'`,
     })}
   )
   select seq from requeued order by seq`,
);

/**
 * Puts back all tasks that had failed because of one of `parentSeqs`, which wait again, and those that had failed because
 * of them, level by level. One that has another failed dependency stays failed, and now blames that one. Those that have not
 * been told of the failure never stopped waiting. The caller keeps {@link holdTelling}.
 */
export async function requeueAllDependents(tx: Tx, parentSeqs: readonly number[]): Promise<void> {
  for (let level = parentSeqs; level.length > 0;) {
    // In a statement of its own: one of them may be completing, and the count below must see how that ended.
    await tx.query(HOLD_PARENTS, [level]);
    level = (await tx.query(REQUEUE_DEPENDENTS, [level])).map((row) => integer(row, 'seq'));
  }
}
