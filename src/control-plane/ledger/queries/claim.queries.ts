import { type Db, type Tx } from '../../../platform/database/database.js';
import { flag, integer, type Row, text, texts } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { appendSteps, type EventColumns } from '../../events/index.js';
import { GATE } from '../domain/gate.js';
import { type Applicant } from '../domain/admission.js';
import { type ClaimedTask, type Claimer } from '../domain/task.js';
import { APPLICANT } from './candidates.queries.js';
import { ROOMS } from './host-slots.queries.js';
import { RUNNING_EVENT } from './lease.queries.js';
import {
  ELIGIBLE_LANES,
  READ_IN_VAIN,
  gatewaysOf,
  lanesOf,
  type ClaimStart,
  turnsOfLine,
  SOLE_LINE,
  type Line,
  type Turns,
  type Mark,
  marksOf,
  projectsInTurn,
  turnsFromMarks,
  turnsOf,
} from './discovery.js';
import { isPausedGateway, PAUSED } from './pause.queries.js';
import { claimedFromRow, TASK_COLUMNS } from './task-row.js';
import { WRITER } from './writer.js';

/** The slots of $7 whose workers may use the same lanes as the claimer, in their order, as one array. */
const SLOTS = `
   slots as materialized (
     select s.workers, s.workers as alike from (
     select coalesce(array_agg(s.worker_id order by s.n), '{}') as workers
     from claimer c, unnest($7::text[]) with ordinality s(worker_id, n)
     left join workers w on w.worker_id = s.worker_id
     where $1::text <> 'worker' or s.worker_id = $2::text
        or (w.gateway_id is not distinct from c.gateway_id and coalesce($3::text[], w.capabilities, '{}') = c.capabilities)
     ) s
   )`;

/** The same for hosts: each has as many slots as it has room for. `alike` are those of all with the same capabilities. */
const HOST_SLOTS = `${ROOMS},
   slots as materialized (
     select coalesce(array_agg(s.worker_id order by s.n), '{}') as alike,
       coalesce(array_agg(s.worker_id order by s.n) filter (where s.nth <= r.room), '{}') as workers
     from claimer c, (
       select s.worker_id, s.n, row_number() over (partition by s.worker_id order by s.n) as nth
       from unnest($7::text[]) with ordinality s(worker_id, n)
     ) s
     left join workers w on w.worker_id = s.worker_id left join rooms r on r.host_id = s.worker_id
     where s.worker_id = $2::text or coalesce($3::text[], w.capabilities, '{}') = c.capabilities
   )`;

/** The same where one line is all that is ready: those who cannot do it have no slot. With a wrong line all have one. */
const HOST_SLOTS_OF_SOLE_LINE = `${ROOMS},
   slots as materialized (
     select $7::text[] as alike, coalesce(array_agg(s.worker_id order by s.n), '{}') as workers
     from (
       select s.worker_id, s.n, row_number() over (partition by s.worker_id order by s.n) as nth
       from unnest($7::text[]) with ordinality s(worker_id, n)
     ) s
     join rooms r on r.host_id = s.worker_id and s.nth <= r.room
     join workers w on w.worker_id = s.worker_id
     where coalesce((
       select head.required_capabilities from turns p cross join lateral (
         select t.required_capabilities from tasks t
         where t.gate = ${GATE.runnable} and t.lane = p.lane and t.project_id = p.project_id order by t.rank limit 1
       ) head
     ) <@ w.capabilities, true)
   )`;

const NEW_TOKEN = `encode(uuid_send(gen_random_uuid()), 'hex')`;

/**
 * What a claim writes. `claim` offers `worker_id`, `token`, and for a dispatcher that starts the task `gateway_id`. Such a
 * start commits the execution's key and gateway before anything is sent, so that whoever comes after a crash asks the
 * same gateway for the same execution.
 */
const claimColumns = (
  claim: string,
  started: string,
  more = '',
) => `${more}status = case when ${started} then 'running' else 'claimed' end, gate = ${GATE.held}, holder = $1::text,
       locked_by = ${claim}.worker_id, claim_token = ${claim}.token, locked_at = now(),
       dispatch_key = case when ${claim}.gateway_id is null then t.dispatch_key else coalesce(t.dispatch_key, ${claim}.token) end,
       dispatch_gateway_id = coalesce(${claim}.gateway_id, t.dispatch_gateway_id),
       lease_expires_at = now() + t.lease_seconds * interval '1 second', next_attempt_at = null,
       attempts = t.attempts + 1, lease_number = t.lease_number + 1,
       version = t.version + 1 + (${started})::integer, updated_at = now()`;

/** What the claim of a host writes besides: who may still report when its lease has run out. */
const OF_HOST = `assigned_host_id = c.worker_id, assigned_token = c.token, updated_by = ${WRITER}, `;

/** Whether a candidate is claimed only under its project's lock. */
const NEEDS_LOCK = '(cardinality(c.file_paths) > 0 or c.concurrency_key is not null)';

/**
 * The gateway that a dispatcher sends a task to when it starts it: the one that knows of its open execution, else the one
 * it prefers, else the first of those given that can take it. Null for workers.
 */
const gatewayFor = (task: string, started: string) => `case when ${started} and $1::text = 'dispatcher' then (
       select g->>'gatewayId' from jsonb_array_elements($4::jsonb) with ordinality given(g, n)
       where to_jsonb(${task}.required_capabilities) <@ (g->'capabilities') and not ${isPausedGateway("g->>'gatewayId'")}
         and case when ${task}.dispatch_key is not null then g->>'gatewayId' = ${task}.dispatch_gateway_id
                  when ${task}.gateway_strict then g->>'gatewayId' = ${task}.gateway_id else true end
       order by (g->>'gatewayId' = ${task}.gateway_id) desc nulls last, n limit 1) end`;

const CLAIMED_EVENT: EventColumns = {
  type: 'claimed',
  from: 'from_status',
  to: `'claimed'`,
  worker: 'locked_by',
  token: 'claim_token',
  message: `'Task claimed.'`,
  payload: `json_build_object('attempt', attempts, 'lease_number', lease_number)`,
};

/** A task that is started in the same step passes both states, and both are told. */
const claimEvents = (started: string) => `logged as (
     ${appendSteps(
       ['claimed', { ...CLAIMED_EVENT, version: `version - (${started})::integer` }],
       [`claimed where ${started}`, RUNNING_EVENT],
     )}
   )`;

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

/** Ready tasks that need files or a place of a key: they are claimed under their project's lock, see {@link admit}. */
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
  const [all, fromMarks, ofSoleLine] =
    claimer.holder === 'host'
      ? [CLAIM_OF_HOSTS, CLAIM_OF_HOSTS_FROM_MARKS, CLAIM_OF_HOSTS_SOLE_LINE]
      : [CLAIM, CLAIM_FROM_MARKS, CLAIM_OF_SOLE_LINE];
  const rows =
    begin !== null
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

const ADMIT = statement(
  'ledger.admit',
  `with ${PAUSED}, claimed as (
     update tasks t set ${claimColumns('w', '$5::boolean')}
     from (
       select old.seq, old.status, w.worker_id, ${NEW_TOKEN} as token, ${gatewayFor('old', '$5::boolean')} as gateway_id
       from unnest($2::bigint[], $3::text[]) w(seq, worker_id) join tasks old on old.seq = w.seq
     ) w
     where t.seq = w.seq and t.gate = ${GATE.runnable}
       and (w.gateway_id is not null or not ($5::boolean and $1::text = 'dispatcher'))
     returning ${TASK_COLUMNS}, w.status as from_status
   ), locks as (
     insert into file_locks (project_id, path, prefix, mode, task_seq, file_path)
     select c.project_id, f.path, f.prefix, f.mode, c.seq, f.name
     from unnest($6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[]) f(seq, path, prefix, mode, name)
     join claimed c on c.seq = f.seq order by f.path
   ), holds as (
     insert into concurrency_holds (task_seq, project_id, key)
     select c.seq, c.project_id, c.concurrency_key from claimed c where c.concurrency_key is not null
   ), waits as (
     delete from file_waits w using claimed c where w.task_seq = c.seq
   ), ${claimEvents('$5::boolean')}
   select * from claimed order by array_position($2::bigint[], seq)`,
  { plan: 'once' },
);

/**
 * Claims tasks that {@link lockCandidates} has locked, together with all of their files and places, each for the worker in
 * its slot. The caller holds the lock of the project and has seen that all of them may have these together. One whose
 * gateways have been paused since they were locked is left out.
 */
export async function admit(
  tx: Tx,
  claimer: Claimer,
  winners: readonly Applicant[],
  { slots, start }: Wanted,
): Promise<ClaimedTask[]> {
  if (winners.length === 0) return [];
  const owned = winners.flatMap(({ seq, files }) => files.map((file) => ({ seq, ...file })));
  const rows = await tx.query(ADMIT, [
    claimer.holder,
    winners.map(({ seq }) => seq),
    slots.slice(0, winners.length),
    gatewaysOf(claimer),
    start,
    owned.map(({ seq }) => seq),
    owned.map(({ pattern }) => pattern.text),
    owned.map(({ pattern }) => pattern.prefix),
    owned.map(({ mode }) => mode),
    owned.map(({ name }) => name),
  ]);
  return rows.map(claimedFromRow);
}
