import { integer, onlyRow, texts } from '../../../platform/database/row.js';
import { type Asks } from '../../../platform/database/session.js';
import { statement } from '../../../platform/database/statement.js';
import { GATE } from '../domain/gate.js';
import { isPending } from './untold.queries.js';

/** Something that must always be so, with what there is that breaks it. */
export interface Invariant {
  /** As a sentence. */
  readonly says: string;
  /** How many break it. */
  readonly breaches: number;
  /** Some of them. */
  readonly examples: readonly string[];
}

const EXAMPLES = 5;

/** `select` names each breach in a column `name`. */
const counted = (name: string, select: string) =>
  statement(
    `ledger.invariant.${name}`,
    `select count(*) as breaches, coalesce((array_agg(b.name))[1:${EXAMPLES}], '{}')::text[] as examples
     from (${select}) b`,
  );

const INVARIANTS = {
  'No task went on before its parents had succeeded.': counted(
    'parents',
    `select distinct t.id as name from tasks t
     join task_dependencies d on d.child_seq = t.seq join tasks p on p.seq = d.parent_seq
     where p.status <> 'succeeded'
       and (t.status = 'succeeded'
         or t.gate in (${GATE.runnable}, ${GATE.waitsForFile}, ${GATE.waitsForKey}, ${GATE.held}))`,
  ),
  'Who waits for dependencies waits for as many as it counts.': counted(
    'dependencies',
    `select t.id as name from tasks t
     where t.gate = ${GATE.waitsForDependencies} and t.pending_dependencies <> (
       select count(*) from task_dependencies d join tasks p on p.seq = d.parent_seq
       where d.child_seq = t.seq and ${isPending('p', 't')})`,
  ),
  'Every dependency is between two tasks that are there.': counted(
    'edges',
    `select d.child_seq || ' after ' || d.parent_seq as name from task_dependencies d
     where not exists (select from tasks t where t.seq = d.child_seq)
       or not exists (select from tasks t where t.seq = d.parent_seq)`,
  ),
  'Every file is owned by a task that is held.': counted(
    'files',
    `select l.path as name from file_locks l
     where not exists (select from tasks t where t.seq = l.task_seq and t.gate = ${GATE.held})`,
  ),
  'Every place of a concurrency key is taken by a task that is held, and none too many.': counted(
    'keys',
    `select h.key as name from concurrency_holds h
     where not exists (select from tasks t where t.seq = h.task_seq and t.gate = ${GATE.held})
     union all
     select h.key from concurrency_holds h join tasks t on t.seq = h.task_seq
     group by h.project_id, h.key having count(*) > max(t.concurrency_limit)`,
  ),
  'Whoever waits for a file stands in its queue.': counted(
    'queues',
    `select t.id as name from tasks t
     where t.gate = ${GATE.waitsForFile} and not exists (select from file_waits w where w.task_seq = t.seq)`,
  ),
  'Numbers go on behind those that are there.': counted(
    'numbers',
    `select 'tasks' as name
     where (select max(t.seq) from tasks t)
       > coalesce(pg_sequence_last_value(pg_get_serial_sequence('tasks', 'seq')::regclass), 0)
     union all
     select 'events' where (select max(e.id) from events e)
       > coalesce(pg_sequence_last_value('events_id_seq'::regclass), 0)`,
  ),
};

/** Tries what must always be so of the ledger, on the snapshot of whoever asks. Reads all of it, and writes nothing. */
export async function tryInvariants(session: Asks): Promise<Invariant[]> {
  const tried: Invariant[] = [];
  for (const [says, select] of Object.entries(INVARIANTS)) {
    const row = onlyRow(await session.query(select));
    tried.push({ says, breaches: integer(row, 'breaches'), examples: texts(row, 'examples') });
  }
  return tried;
}
