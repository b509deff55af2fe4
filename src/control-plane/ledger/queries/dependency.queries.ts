import { type Tx } from '../../../platform/database/database.js';
import { flag, integer, onlyRow } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { appendEvents } from '../../events/index.js';
import { GATE } from '../domain/gate.js';
import { verbs } from '../domain/task-state.js';
import { inStates } from './states.js';

const SATISFY = statement(
  'ledger.satisfyDependents',
  `with edges as materialized (
     select d.child_seq, count(*)::integer as parents from task_dependencies d
     where d.parent_seq = any($1::bigint[]) group by d.child_seq
   ), children as materialized (
     select t.seq, e.parents from tasks t join edges e on e.child_seq = t.seq
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
     count(*) filter (where gate = ${GATE.waitsForTime}) > 0 as resting
   from counted`,
);

/** Counts successes towards all dependents of `parentSeqs`. Returns whether some became ready, or wait for their time. */
export async function satisfyDependents(
  tx: Tx,
  parentSeqs: readonly number[],
): Promise<{ readonly ready: boolean; readonly resting: boolean }> {
  const row = onlyRow(await tx.query(SATISFY, [parentSeqs]));
  return { ready: flag(row, 'ready'), resting: flag(row, 'resting') };
}

const FAIL_DEPENDENTS = statement(
  'ledger.failDependents',
  `with children as (
     select t.seq, min(d.parent_seq) as parent_seq
     from tasks t join task_dependencies d on d.child_seq = t.seq
     where d.parent_seq = any($1::bigint[]) and ${inStates('t.status', verbs.failWithDependency.from)}
     group by t.seq
   ), locked as materialized (
     select t.seq, t.status as from_status, c.parent_seq from tasks t join children c on c.seq = t.seq
     order by t.seq for no key update of t
   ), failed as (
     update tasks t set status = 'failed', gate = ${GATE.failed}, failed_dependency = p.seq, completed_at = now(),
       error = format('Dependency ''%s'' ended %s.', p.id, p.status), pending_dependencies = 0,
       version = t.version + 1, updated_at = now()
     from locked l join tasks p on p.seq = l.parent_seq
     where t.seq = l.seq and ${inStates('t.status', verbs.failWithDependency.from)}
     returning t.seq, t.id, t.version, t.error, l.from_status
   ), logged as (
     ${appendEvents('failed', { type: 'dependency_failed', from: 'from_status', to: `'failed'`, message: 'error' })}
   )
   select seq from failed order by seq`,
);

/**
 * Fails all that waits for failed tasks, and all that waits for that. Level by level, each its own statement: a child
 * that was committed while a level waited for a lock is then seen.
 */
export async function failAllDependents(tx: Tx, parentSeqs: readonly number[]): Promise<void> {
  for (let level = parentSeqs; level.length > 0;) {
    level = (await tx.query(FAIL_DEPENDENTS, [level])).map((row) => integer(row, 'seq'));
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
     select c.seq, count(*) filter (where p.status <> 'succeeded') as pending,
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
 * of them, level by level. One that has another failed dependency stays failed, and now blames that one.
 */
export async function requeueAllDependents(tx: Tx, parentSeqs: readonly number[]): Promise<void> {
  for (let level = parentSeqs; level.length > 0;) {
    // In a statement of its own: one of them may be completing, and the count below must see how that ended.
    await tx.query(HOLD_PARENTS, [level]);
    level = (await tx.query(REQUEUE_DEPENDENTS, [level])).map((row) => integer(row, 'seq'));
  }
}
