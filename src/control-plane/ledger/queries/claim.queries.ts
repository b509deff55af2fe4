import { type Db, type Tx } from '../../../platform/database/database.js';
import { integer, type Row, text, texts } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { appendSteps, type EventColumns } from '../../events/index.js';
import { GATE } from '../domain/gate.js';
import { type Applicant } from '../domain/admission.js';
import { type ClaimedTask, type Claimer } from '../domain/task.js';
import { APPLICANT } from './candidates.queries.js';
import { RUNNING_EVENT } from './lease.queries.js';
import {
  ELIGIBLE_LANES,
  READ_IN_VAIN,
  gatewaysOf,
  lanesOf,
  type ClaimStart,
  type Mark,
  marksOf,
  projectsInTurn,
  turnsFromMarks,
  turnsOf,
} from './discovery.js';
import { isPausedGateway, PAUSED } from './pause.queries.js';
import { claimedFromRow, TASK_COLUMNS } from './task-row.js';

/** The slots of $7 whose workers may use the same lanes as the claimer, in their order: as one array, since n-th of m
 * would be looked for m times if they were rows. */
const SLOTS = `
   slots as materialized (
     select coalesce(array_agg(s.worker_id order by s.n), '{}') as workers
     from claimer c, unnest($7::text[]) with ordinality s(worker_id, n)
     left join workers w on w.worker_id = s.worker_id
     where $1::text <> 'worker' or s.worker_id = $2::text
        or (w.gateway_id is not distinct from c.gateway_id and coalesce($3::text[], w.capabilities, '{}') = c.capabilities)
   )`;

/**
 * What a claim writes. `claim` offers `worker_id`, `token`, and for a dispatcher that starts the task `gateway_id`. Such a
 * start commits the execution's key and gateway before anything is sent, so that whoever comes after a crash asks the
 * same gateway for the same execution.
 */
const claimColumns = (
  claim: string,
  started: string,
) => `status = case when ${started} then 'running' else 'claimed' end, gate = ${GATE.held}, holder = $1::text,
       locked_by = ${claim}.worker_id, claim_token = ${claim}.token, locked_at = now(),
       dispatch_key = case when ${claim}.gateway_id is null then t.dispatch_key else coalesce(t.dispatch_key, ${claim}.token) end,
       dispatch_gateway_id = coalesce(${claim}.gateway_id, t.dispatch_gateway_id),
       lease_expires_at = now() + t.lease_seconds * interval '1 second', next_attempt_at = null,
       attempts = t.attempts + 1, lease_number = t.lease_number + 1,
       version = t.version + 1 + (${started})::integer, updated_at = now()`;

const NEW_TOKEN = `replace(gen_random_uuid()::text, '-', '')`;

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
 * The tasks are named to the update as an array as well: of how many a limit that is not yet known lets through PostgreSQL
 * thinks so highly that it may read the whole table to find them.
 */
const claimFrom = (
  name: string,
  {
    discovery,
    begin,
    inVain,
  }: { readonly discovery: string; readonly begin: string; readonly inVain: string },
) =>
  statement(
    name,
    `with recursive ${discovery}, ${SLOTS}, share as materialized (
     select s.workers, cardinality(s.workers) as slots,
       ceil(cardinality(s.workers)::float8 / greatest((select count(distinct p.project_id) from turns p where p.nth > 0), 1))::bigint as each
     from slots s
   ), candidates as materialized (
     select c.*, row_number() over (partition by c.project_id order by c.rank, c.seq) as round
     from turns p cross join lateral (
       select ${APPLICANT}, t.status, p.nth, ${gatewayFor('t', '$8::boolean')} as gateway_for
       from tasks t
       where t.gate = ${GATE.runnable} and t.lane = p.lane and t.project_id = p.project_id ${begin}
       order by t.rank, t.seq limit (select s.each from share s)
       for no key update skip locked
     ) c where p.nth > 0
     order by round, c.nth, c.rank, c.seq limit (select s.slots from share s)
   ), placed as (
     select c.seq, c.status, ${NEW_TOKEN} as token, c.gateway_for as gateway_id,
       (select s.workers from slots s)[row_number() over (order by c.round, c.nth, c.rank, c.seq)] as worker_id
     from candidates c where cardinality(c.file_paths) = 0 and c.concurrency_key is null
   ), claimed as (
     update tasks t set ${claimColumns('c', '$8::boolean')}
     from placed c where t.seq = c.seq and t.seq = any(array(select p.seq from placed p))
     returning ${TASK_COLUMNS}, c.status as from_status
   ), ${claimEvents('$8::boolean')}
   select case when row_number() over () = 1 and s.slots < cardinality($7::text[]) then s.workers end as alike,
     c.seq as candidate_seq, c.project_id as candidate_project, c.lane as candidate_lane, c.rank as candidate_rank,
     s.each < s.slots as is_shared, ${inVain} as read_in_vain, claimed.*
   from share s left join candidates c on true left join claimed on claimed.seq = c.seq
   order by c.round, c.nth, c.rank, c.seq`,
    { plan: 'once' },
  );

/** At least so many projects are looked at in each lane, and as many as there are slots. */
const MANY = 'greatest($9::integer, cardinality($7::text[]))';

const CLAIM = claimFrom('ledger.claim', {
  discovery: `${ELIGIBLE_LANES}, ${projectsInTurn(MANY)}`,
  begin: '',
  inVain: READ_IN_VAIN,
});

const CLAIM_FROM_MARKS = claimFrom('ledger.claimFromMarks', {
  discovery: turnsFromMarks(MANY),
  begin: 'and (t.rank, t.seq) > (p.rank, p.seq)',
  inVain: '0',
});

/** The texts of the claim, for those who want to see their plans. */
export const CLAIM_SQL = CLAIM.text;
export const CLAIM_FROM_MARKS_SQL = CLAIM_FROM_MARKS.text;

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
  /** Whether several projects had a share each: one may have had less than its share, another more. */
  readonly isShared: boolean;
  /** Whether fewer tasks were found than there are slots. */
  readonly isShort: boolean;
  /** Entries of the ready index that were read to no use; 0 for a claim that began at marks. */
  readonly readInVain: number;
  /** Up to where the ready tasks of each lane and project have been claimed. */
  readonly reached: readonly Mark[];
}

/**
 * Claims up to one task for each slot among those that need no file and have no key, one commit for all. Slots of workers
 * that may use other lanes than `claimer` are left out. At least `projects` are looked at in each lane. With `marks` only
 * what comes behind them is found.
 */
export async function claimWithoutLock(
  db: Db,
  claimer: Claimer,
  { slots, start }: Wanted,
  { turns, projects, marks }: ClaimStart,
): Promise<ClaimPass> {
  const values = [...lanesOf(claimer), ...turnsOf(turns), slots, start, projects];
  const rows =
    marks === null
      ? await db.query(CLAIM, values)
      : await db.query(CLAIM_FROM_MARKS, [...values, ...marksOf(marks)]);
  const candidates = rows.filter((row) => row['candidate_seq'] !== null);
  const needing = new Map<string, number>();
  for (const row of candidates) {
    if (row['seq'] !== null) continue;
    const projectId = text(row, 'candidate_project');
    needing.set(projectId, (needing.get(projectId) ?? 0) + 1);
  }
  const alike = partOf(rows) ?? slots;
  return {
    alike,
    claimed: candidates
      .filter((row) => row['seq'] !== null)
      .map((row) => ({ task: claimedFromRow(row), lane: text(row, 'candidate_lane') })),
    needingLock: [...needing].map(([projectId, tasks]) => ({ projectId, tasks })),
    isShared: rows[0]?.['is_shared'] === true,
    isShort: candidates.length < alike.length,
    readInVain: rows[0] === undefined ? 0 : integer(rows[0], 'read_in_vain'),
    reached: reachedBy(candidates),
  };
}

/** Of each lane and project the last of the candidates that were claimed without one before them that was not. */
function reachedBy(candidates: readonly Row[]): Mark[] {
  const reached = new Map<string, Mark | null>();
  for (const row of candidates) {
    const [lane, projectId] = [text(row, 'candidate_lane'), text(row, 'candidate_project')];
    const key = `${lane}\n${projectId}`;
    const before = reached.get(key);
    if (row['seq'] === null && before === undefined) reached.set(key, null);
    if (row['seq'] === null || before === null) continue;
    reached.set(key, {
      lane,
      projectId,
      rank: integer(row, 'candidate_rank'),
      seq: integer(row, 'candidate_seq'),
    });
  }
  return [...reached.values()].filter((mark) => mark !== null);
}

/** The slots that could be served, when those are not all. Told by one row, so that the answer does not grow with both. */
function partOf(rows: readonly Row[]): readonly string[] | undefined {
  const told = rows.find((row) => row['alike'] !== null);
  return told === undefined ? undefined : texts(told, 'alike');
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
