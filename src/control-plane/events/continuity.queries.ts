import { integer, onlyRow, texts } from '../../platform/database/row.js';
import { type Asks } from '../../platform/database/session.js';
import { statement } from '../../platform/database/statement.js';
import { type EventType } from './append.js';

/** Notes beside the life of a task: they change nothing, and may be told late. */
const NOTES = [
  'claim_conflict',
  'lease_violation',
  'turn_text',
  'approval_requested',
  'approval_resolved',
] as const satisfies readonly EventType[];

const EXAMPLES = 5;

const GAPS = statement(
  'events.gaps',
  `with steps as (
     select e.task_id, e.from_status, e.to_status, e.task_version,
       lag(e.to_status) over life as was, lag(e.task_version) over life as version_before,
       row_number() over life as nth, row_number() over (partition by e.task_id order by e.txid desc, e.id desc) as nth_last,
       e.event_type
     from events e
     where e.event_type not in (${NOTES.map((type) => `'${type}'`).join(', ')})
       and exists (select from tasks t where t.id = e.task_id)
     window life as (partition by e.task_id order by e.txid, e.id)
   ), broken as (
     select s.task_id from steps s
     where (s.nth = 1 and s.event_type <> 'enqueued')
       or (s.nth > 1 and (s.from_status is distinct from s.was or s.task_version <= s.version_before))
     union
     select t.id from tasks t left join steps s on s.task_id = t.id and s.nth_last = 1
     where s.to_status is distinct from t.status
   )
   select count(*) as breaches, coalesce((array_agg(b.task_id))[1:${EXAMPLES}], '{}')::text[] as examples,
     (select count(*) from steps) as events, (select count(*) from tasks) as tasks
   from broken b`,
);

/** Tasks whose events do not lead, without a gap, from their beginning to what they are. */
export interface Continuity {
  readonly breaches: number;
  readonly examples: readonly string[];
  /** How many were looked at. */
  readonly events: number;
  readonly tasks: number;
}

/** Follows the log of each task that is there. Reads all of it, and writes nothing. */
export async function tryContinuity(session: Asks): Promise<Continuity> {
  const row = onlyRow(await session.query(GAPS));
  return {
    breaches: integer(row, 'breaches'),
    examples: texts(row, 'examples'),
    events: integer(row, 'events'),
    tasks: integer(row, 'tasks'),
  };
}
