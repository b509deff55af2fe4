// What monitoring sees of the ledger's tables, read straight from them: a view for one screen. Nothing here may cost more
// when more waits: every read follows an index and ends after a number of rows.
import { type Db } from '../../platform/database/database.js';
import { flag, integer, onlyRow, type Row, text } from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';
import { GATE } from '../ledger/index.js';

/** What a look at the ready tasks covers. */
export const BOUNDS = {
  /** Lines of ready tasks: a project has one in each lane that it has ready tasks in. */
  lines: 100,
  /** Tasks of a line, those that are served first. */
  tasksOfALine: 1_000,
  /** Tasks of a kind that are counted; so many means: or more. */
  counted: 10_000,
} as const;

/** The order of service within a line; with `lane, project_id` before it that of the ready index. */
const IN_LINE = 't.rank, t.seq';

/**
 * The recursion hops from line to line along the ready index, one probe each. A ready task was last changed when it became
 * ready: handed in, released, woken, or told that its last dependency has succeeded.
 */
export const READY = statement(
  'metrics.ready',
  `with recursive lines(lane, project_id, nth) as (
     (select t.lane, t.project_id, 1 from tasks t where t.gate = ${GATE.runnable} order by t.lane, t.project_id limit 1)
     union all
     select n.lane, n.project_id, l.nth + 1 from lines l
     cross join lateral (
       select t.lane, t.project_id from tasks t
       where t.gate = ${GATE.runnable} and (t.lane, t.project_id) > (l.lane, l.project_id)
       order by t.lane, t.project_id limit 1
     ) n
     where l.nth <= ${BOUNDS.lines}
   )
   select l.project_id, count(*) as tasks, max(l.nth) > ${BOUNDS.lines} as is_beyond,
     greatest(0, extract(epoch from clock_timestamp() - min(f.updated_at)) * 1000)::bigint as age_ms
   from lines l
   cross join lateral (
     select t.updated_at from tasks t
     where t.gate = ${GATE.runnable} and t.lane = l.lane and t.project_id = l.project_id
     order by ${IN_LINE} limit case when l.nth > ${BOUNDS.lines} then 1 else ${BOUNDS.tasksOfALine} end
   ) f
   group by l.project_id, l.nth > ${BOUNDS.lines} order by l.project_id`,
);

/** The ready tasks of a project, as far as they are looked at. */
export interface ReadyOfProject {
  readonly projectId: string;
  readonly tasks: number;
  /** How long the longest of them has been ready. */
  readonly ageMs: number;
}

export interface Ready {
  readonly projects: readonly ReadyOfProject[];
  /** Whether there are more lines than are looked at. */
  readonly isPartial: boolean;
}

export async function readyByProject(db: Db): Promise<Ready> {
  const rows = await db.query(READY);
  return {
    projects: rows.filter((row) => !flag(row, 'is_beyond')).map(projectFromRow),
    isPartial: rows.some((row) => flag(row, 'is_beyond')),
  };
}

const projectFromRow = (row: Row): ReadyOfProject => ({
  projectId: text(row, 'project_id'),
  tasks: integer(row, 'tasks'),
  ageMs: integer(row, 'age_ms'),
});

const upTo = (rows: string) => `(select count(*) from (select from ${rows} limit ${BOUNDS.counted}) counted)`;

const COUNTS = statement(
  'metrics.counts',
  `select ${upTo(`tasks t where t.gate = ${GATE.runnable}`)} as ready,
     ${upTo(`tasks t where t.gate = ${GATE.waitsForTime}`)} as resting,
     ${upTo(`tasks t where t.gate = ${GATE.held}`)} as held,
     ${upTo('untold_ends')} as untold_ends`,
);

export interface Counts {
  readonly ready: number;
  readonly resting: number;
  readonly held: number;
  readonly untoldEnds: number;
}

/** How many there are, up to {@link BOUNDS.counted} of each. */
export async function countUpToBound(db: Db): Promise<Counts> {
  const row = onlyRow(await db.query(COUNTS));
  return {
    ready: integer(row, 'ready'),
    resting: integer(row, 'resting'),
    held: integer(row, 'held'),
    untoldEnds: integer(row, 'untold_ends'),
  };
}
