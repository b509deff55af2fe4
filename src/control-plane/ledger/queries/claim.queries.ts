import { type Db } from '../../../platform/database/database.js';
import { flag, integer, type Row, text, texts } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { GATE } from '../domain/gate.js';
import { type ClaimedTask, type Claimer, onlyProjectOf } from '../domain/task.js';
import { APPLICANT } from './candidates.queries.js';
import { claimColumns, claimEvents, gatewayFor, NEW_TOKEN, OF_HOST } from './claim-columns.js';
import {
  ELIGIBLE_LANES,
  READ_IN_VAIN,
  lanesOf,
  type ClaimStart,
  ofOneProject,
  turnsOfLine,
  turnsOfProject,
  SOLE_LINE,
  type Line,
  type Turns,
  type Mark,
  marksOf,
  projectsInTurn,
  turnsFromMarks,
  turnsOf,
} from './discovery.js';
import { HOST_SLOTS, HOST_SLOTS_OF_SOLE_LINE, SLOTS } from './slots.js';
import { claimedFromRow, TASK_COLUMNS } from './task-row.js';

/** Whether a candidate is claimed only under its project's lock. */
const NEEDS_LOCK = '(cardinality(c.file_paths) > 0 or c.concurrency_key is not null)';

/**
 * The next tasks of the eligible lanes in the order of service, locked; those that others lock are skipped. Projects take
 * turns: of n slots and m projects that have ready work each gets the m-th part, the rest goes to those whose turn is
 * first. A project's own tasks go by rank.
 *
 * What is claimed is named to the update by arrays. PostgreSQL takes those for short, and looks each task up; of how many
 * a limit lets through that it does not know yet it thinks so highly that it would read the whole table.
 */
const claimFrom = (
  name: string,
  {
    discovery,
    slots,
    begin,
    inVain,
    ofHosts = false,
  }: {
    readonly discovery: string;
    readonly slots: string;
    readonly begin: string;
    readonly inVain: string;
    readonly ofHosts?: boolean;
  },
) =>
  statement(
    name,
    `with recursive ${discovery}, ${slots}, share as materialized (
     select s.workers, s.alike, cardinality(s.workers) as slots, p.probes,
       ceil(cardinality(s.workers)::float8 / greatest(p.projects, 1))::bigint as each
     from slots s, (
       select count(*) as probes, count(distinct p.project_id) filter (where p.nth > 0) as projects from turns p
     ) p
   ), candidates as materialized (
     select c.*, ${NEEDS_LOCK} as needs_lock, row_number() over (order by c.round, c.nth, c.rank, c.seq) as place
     from (
       select c.*, p.nth, row_number() over (partition by c.project_id order by c.rank, c.seq) as round
       from turns p cross join lateral (
         select ${APPLICANT}, t.status, ${gatewayFor('t', '$8::boolean')} as gateway_for
         from tasks t
         where t.gate = ${GATE.runnable} and t.lane = p.lane and t.project_id = p.project_id ${begin}
         order by t.rank, t.seq limit (select s.each from share s)
         for no key update skip locked
       ) c where p.nth > 0
     ) c
     order by place limit (select s.slots from share s)
   ), placed as (
     select array_agg(c.seq order by c.place) as seqs, array_agg(c.status order by c.place) as statuses,
       array_agg(c.gateway_for order by c.place) as gateways, array_agg(${NEW_TOKEN} order by c.place) as tokens
     from candidates c where not c.needs_lock
   ), claimed as (
     update tasks t set ${claimColumns('c', '$8::boolean', ofHosts ? OF_HOST : '')}
     from placed p cross join share s
     cross join lateral unnest(p.seqs, s.workers, p.statuses, p.gateways, p.tokens) with ordinality
       c(seq, worker_id, status, gateway_id, token, place)
     where t.seq = c.seq
     returning ${TASK_COLUMNS}, t.lane, t.rank, c.status as from_status, c.place
   ), ${claimEvents('$8::boolean')}
   select claimed.*, pass.*
   from share s left join claimed on true
   left join lateral (
     select case when cardinality(s.alike) < cardinality($7::text[]) then s.alike end as alike,
       s.slots > 0 or s.probes = 0 as has_room, s.each < s.slots as is_shared,
       ${inVain} as read_in_vain,
       (select json_agg(json_build_array(c.lane, c.project_id, c.rank, c.seq) order by c.place)
        from candidates c where c.needs_lock) as needing_lock
   ) pass on coalesce(claimed.place, 1) = 1
   order by claimed.place`,
    { plan: 'once' },
  );

/** At least so many projects are looked at in each lane, and as many as there are slots. */
const MANY = 'greatest($9::integer, cardinality($7::text[]))';

const CLAIM = claimFrom('ledger.claim', {
  discovery: `${ELIGIBLE_LANES}, ${projectsInTurn(MANY)}`,
  slots: SLOTS,
  begin: '',
  inVain: READ_IN_VAIN,
});

const CLAIM_OF_PROJECT = claimFrom('ledger.claimOfProject', {
  discovery: `${ELIGIBLE_LANES}, ${ofOneProject('$9::integer')}`,
  slots: SLOTS,
  begin: '',
  inVain: READ_IN_VAIN,
});

const CLAIM_FROM_MARKS = claimFrom('ledger.claimFromMarks', {
  discovery: turnsFromMarks(MANY),
  slots: SLOTS,
  begin: 'and (t.rank, t.seq) > (p.rank, p.seq)',
  inVain: '0',
});

const CLAIM_OF_SOLE_LINE = claimFrom('ledger.claimOfSoleLine', {
  discovery: SOLE_LINE,
  slots: 'slots as materialized (select $7::text[] as workers, $7::text[] as alike)',
  begin: '',
  inVain: READ_IN_VAIN,
});

/** Jobs go to hosts, each as many as it has room for. */
const CLAIM_OF_HOSTS = claimFrom('ledger.claimOfHosts', {
  discovery: `${ELIGIBLE_LANES}, ${projectsInTurn(MANY)}`,
  slots: HOST_SLOTS,
  begin: '',
  inVain: READ_IN_VAIN,
  ofHosts: true,
});

const CLAIM_OF_HOSTS_FROM_MARKS = claimFrom('ledger.claimOfHostsFromMarks', {
  discovery: turnsFromMarks(MANY),
  slots: HOST_SLOTS,
  begin: 'and (t.rank, t.seq) > (p.rank, p.seq)',
  inVain: '0',
  ofHosts: true,
});

const CLAIM_OF_HOSTS_SOLE_LINE = claimFrom('ledger.claimOfHostsSoleLine', {
  discovery: SOLE_LINE,
  slots: HOST_SLOTS_OF_SOLE_LINE,
  begin: '',
  inVain: READ_IN_VAIN,
  ofHosts: true,
});

/** The texts of the claim, for those who want to see their plans. */
export const CLAIM_SQL = CLAIM.text;
export const CLAIM_OF_PROJECT_SQL = CLAIM_OF_PROJECT.text;
export const CLAIM_FROM_MARKS_SQL = CLAIM_FROM_MARKS.text;
export const CLAIM_OF_SOLE_LINE_SQL = CLAIM_OF_SOLE_LINE.text;
export const CLAIM_OF_HOSTS_SQL = CLAIM_OF_HOSTS.text;
export const CLAIM_OF_HOSTS_SOLE_LINE_SQL = CLAIM_OF_HOSTS_SOLE_LINE.text;

/** How many tasks are wanted, and by whom. */
export interface Wanted {
  /** For each task the id of the worker that gets it. */
  readonly slots: readonly string[];
  /** Whether the tasks are started in the same step. */
  readonly start: boolean;
}

/** Ready tasks that need files or a place of a key: they are claimed under their project's lock, by `admit`. */
export interface NeedingLock {
  readonly projectId: string;
  /** How many of the slots fall to them. */
  readonly tasks: number;
}

export interface ClaimPass {
  /** The workers of the slots that this pass could serve: those that may use the same lanes as the claimer. */
  readonly alike: readonly string[];
  /** In the order of service, each with the lane that it was found in. */
  readonly claimed: readonly { readonly task: ClaimedTask; readonly lane: string }[];
  /** In the order of their turns. */
  readonly needingLock: readonly NeedingLock[];
  /** Whether somebody of the slots could take a task: false only of hosts that are full, where there is work. */
  readonly hasRoom: boolean;
  /** Whether several projects had a share each: one may have had less than its share, another more. */
  readonly isShared: boolean;
  /** Whether fewer tasks were found than there are slots. */
  readonly isShort: boolean;
  /** Entries of the ready index that were read to no use; 0 for a claim that began at marks. */
  readonly readInVain: number;
  /** Up to where the ready tasks of each lane and project have been claimed. */
  readonly reached: readonly Mark[];
  /** Where ready tasks were found, each line once. */
  readonly lines: readonly Line[];
}

/**
 * Claims up to one task for each slot among those that need no file and have no key, one commit for all. Slots of workers
 * that may use other lanes than `claimer` are left out. At least `projects` are looked at in each lane. With `marks` only
 * what comes behind them is found, of a `sole` line that is not the only one nothing.
 */
export async function claimWithoutLock(
  db: Db,
  claimer: Claimer,
  { slots, start }: Wanted,
  { turns, projects, marks: begin, sole }: ClaimStart,
): Promise<ClaimPass> {
  const given = (lines: Turns) => [...lanesOf(claimer), ...turnsOf(lines), slots, start, projects];
  const only = onlyProjectOf(claimer);
  const [all, fromMarks, ofSoleLine] =
    claimer.holder === 'host'
      ? [CLAIM_OF_HOSTS, CLAIM_OF_HOSTS_FROM_MARKS, CLAIM_OF_HOSTS_SOLE_LINE]
      : [CLAIM, CLAIM_FROM_MARKS, CLAIM_OF_SOLE_LINE];
  const rows =
    only !== null
      ? await db.query(CLAIM_OF_PROJECT, given(turnsOfProject(only)))
      : begin !== null
        ? await db.query(fromMarks, [...given(turns), ...marksOf(begin)])
        : sole !== null
          ? await db.query(ofSoleLine, given(turnsOfLine(sole)))
          : await db.query(all, given(turns));
  const pass = onlyPass(rows);
  const claimed = rows.filter((row) => row['seq'] !== null);
  const marks = claimed.map(markFrom);
  const needing = needingFrom(pass);
  const perProject = new Map<string, number>();
  for (const { projectId } of needing) perProject.set(projectId, (perProject.get(projectId) ?? 0) + 1);
  const alike = pass['alike'] === null ? slots : texts(pass, 'alike');
  return {
    alike,
    claimed: claimed.map((row) => ({ task: claimedFromRow(row), lane: text(row, 'lane') })),
    needingLock: [...perProject].map(([projectId, tasks]) => ({ projectId, tasks })),
    hasRoom: flag(pass, 'has_room'),
    isShared: flag(pass, 'is_shared'),
    isShort: claimed.length + needing.length < alike.length,
    readInVain: integer(pass, 'read_in_vain'),
    reached: reachedBy(marks, needing),
    lines: [...new Map([...marks, ...needing].map((mark) => [keyOf(mark), mark])).values()],
  };
}

/** The first row tells of the pass as a whole, so that the answer does not grow with it times its tasks. */
function onlyPass(rows: readonly Row[]): Row {
  const [first] = rows;
  if (first === undefined) throw new Error('A claim brought no row.');
  return first;
}

const markFrom = (row: Row): Mark => ({
  lane: text(row, 'lane'),
  projectId: text(row, 'project_id'),
  rank: integer(row, 'rank'),
  seq: integer(row, 'seq'),
});

/** The candidates that need their project's lock, in the order of service. */
function needingFrom(pass: Row): Mark[] {
  const needing = pass['needing_lock'] as
    [lane: string, projectId: string, rank: number, seq: number][] | null;
  return (needing ?? []).map(([lane, projectId, rank, seq]) => ({ lane, projectId, rank, seq }));
}

const keyOf = ({ lane, projectId }: Line) => `${lane}\n${projectId}`;

/** Of each lane and project the last that was claimed before one that was not. Both come in the order of service. */
function reachedBy(claimed: readonly Mark[], needing: readonly Mark[]): Mark[] {
  const ends = new Map<string, Mark>();
  for (const mark of needing) if (!ends.has(keyOf(mark))) ends.set(keyOf(mark), mark);
  const reached = new Map<string, Mark>();
  for (const mark of claimed) {
    const end = ends.get(keyOf(mark));
    if (end === undefined || mark.rank < end.rank || (mark.rank === end.rank && mark.seq < end.seq)) {
      reached.set(keyOf(mark), mark);
    }
  }
  return [...reached.values()];
}
