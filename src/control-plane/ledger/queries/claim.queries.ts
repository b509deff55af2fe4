import { type Db, type Tx } from '../../../platform/database/database.js';
import { integer, type Row, text, texts } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { appendSteps, type EventColumns } from '../../events/index.js';
import { GATE } from '../domain/gate.js';
import { type Applicant } from '../domain/admission.js';
import { modeFromLetter, storedPattern, type WantedFile } from '../domain/wanted-files.js';
import { type ClaimedTask, type Claimer } from '../domain/task.js';
import { RUNNING_EVENT } from './lease.queries.js';
import { claimedFromRow, TASK_COLUMNS } from './task-row.js';

/** What the claimer can do. Reads `workers`, of the registry, for a worker that names no capabilities. */
const CLAIMER = `claimer as materialized (
     select coalesce($3::text[], w.capabilities, '{}') as capabilities, w.gateway_id
     from (select 1) one left join workers w on w.worker_id = $2
   )`;

/** Of a waiting task `t`, what decides who may take it. */
const ASKED_ABOUT = `t.kind, t.required_capabilities, split_part(t.lane, '/', 2) as audience,
         case when t.dispatch_key is not null then t.dispatch_gateway_id
              when t.gateway_strict then t.gateway_id end as bound_to`;

/** Whether the claimer may take what `head` says this of. */
const MAY_TAKE = `head.kind = 'action'
       and case $1::text
         when 'worker' then head.audience in ('any', 'pull') and exists (
           select from claimer c
           where head.required_capabilities <@ c.capabilities and (head.bound_to is null or head.bound_to = c.gateway_id))
         else head.audience in ('any', 'push') and exists (
           select from jsonb_array_elements($4::jsonb) g
           where (head.bound_to is null or head.bound_to = g->>'gatewayId')
             and to_jsonb(head.required_capabilities) <@ (g->'capabilities'))
       end`;

/**
 * The lanes that a claimer may take from. The recursion hops from lane to lane along the ready index, one probe each,
 * so lanes without ready work cost nothing; the head of a lane stands for all of it, since a lane is a function of the
 * columns that are asked about.
 *
 * $1 holder, $2 worker id, $3 capabilities or null, $4 gateways as [{gatewayId, capabilities}].
 */
const ELIGIBLE_LANES = `
   lanes(lane) as (
     (select t.lane from tasks t where t.gate = ${GATE.runnable} order by t.lane limit 1)
     union all
     select (select t.lane from tasks t where t.gate = ${GATE.runnable} and t.lane > l.lane order by t.lane limit 1)
     from lanes l where l.lane is not null
   ), ${CLAIMER}, eligible as materialized (
     select l.lane from lanes l
     cross join lateral (
       select ${ASKED_ABOUT}
       from tasks t where t.gate = ${GATE.runnable} and t.lane = l.lane order by t.priority desc, t.seq limit 1
     ) head
     where l.lane is not null and ${MAY_TAKE}
   )`;

/** The parameters of {@link ELIGIBLE_LANES}. */
function lanesOf(claimer: Claimer): unknown[] {
  return claimer.holder === 'worker'
    ? ['worker', claimer.id, claimer.capabilities, '[]']
    : ['dispatcher', claimer.id, [], gatewaysOf(claimer)];
}

const gatewaysOf = (claimer: Claimer) =>
  claimer.holder === 'dispatcher' ? JSON.stringify(claimer.gateways) : '[]';

/** The slots of $5 whose workers may use the same lanes as the claimer, in their order: as one array, since n-th of m
 * would be looked for m times if they were rows. */
const SLOTS = `
   slots as materialized (
     select coalesce(array_agg(s.worker_id order by s.n), '{}') as workers
     from claimer c, unnest($5::text[]) with ordinality s(worker_id, n)
     left join workers w on w.worker_id = s.worker_id
     where $1::text <> 'worker' or s.worker_id = $2
        or (w.gateway_id is not distinct from c.gateway_id and coalesce($3::text[], w.capabilities, '{}') = c.capabilities)
   )`;

/** The first `limit` ready tasks of the eligible lanes in the order of service, locked; those that others lock are skipped. */
const candidates = (
  limit: string,
  {
    lock = 'for no key update skip locked',
    started = 'false',
  }: { readonly lock?: string; readonly started?: string } = {},
) => `
   candidates as materialized (
     select c.* from eligible e
     cross join lateral (
       select t.seq, t.status, t.priority, t.project_id, t.lane, t.file_paths, t.required_files, t.file_modes,
         ${gatewayFor('t', started)} as gateway_for
       from tasks t
       where t.gate = ${GATE.runnable} and t.lane = e.lane
       order by t.priority desc, t.seq limit ${limit}
       ${lock}
     ) c
     order by c.priority desc, c.seq limit ${limit}
   )`;

/**
 * What a claim writes. `claim` offers `worker_id`, `token`, and for a dispatcher that starts the task `gateway_id`. Such a
 * start commits the execution's key and gateway before anything is sent, so that whoever comes after a crash asks the
 * same gateway for the same execution.
 */
const claimColumns = (
  claim: string,
  started: string,
) => `status = case when ${started} then 'running' else 'claimed' end, gate = ${GATE.held}, holder = $1,
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
       where to_jsonb(${task}.required_capabilities) <@ (g->'capabilities')
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

const CLAIM = statement(
  'ledger.claim',
  `with recursive ${ELIGIBLE_LANES}, ${SLOTS}, ${candidates('(select cardinality(s.workers) from slots s)', { started: '$6::boolean' })}, placed as (
     select c.seq, c.status, ${NEW_TOKEN} as token, c.gateway_for as gateway_id,
       (select s.workers from slots s)[row_number() over (order by c.priority desc, c.seq)] as worker_id
     from candidates c where cardinality(c.file_paths) = 0
   ), claimed as (
     update tasks t set ${claimColumns('c', '$6::boolean')}
     from placed c where t.seq = c.seq
     returning ${TASK_COLUMNS}, c.status as from_status
   ), ${claimEvents('$6::boolean')}
   select case when row_number() over () = 1 and cardinality(s.workers) < cardinality($5) then s.workers end as alike,
     c.seq as candidate_seq, c.project_id as candidate_project, claimed.*
   from slots s left join candidates c on true left join claimed on claimed.seq = c.seq
   order by c.priority desc, c.seq`,
);

/** The text of the claim, for those who want to see its plan. */
export const CLAIM_SQL = CLAIM.text;

/** How many tasks are wanted, and by whom. */
export interface Wanted {
  /** For each task the id of the worker that gets it. */
  readonly slots: readonly string[];
  /** Whether the tasks are started in the same step. */
  readonly start: boolean;
}

export interface ClaimPass {
  /** The workers of the slots that this pass could serve: those that may use the same lanes as the claimer. */
  readonly alike: readonly string[];
  readonly claimed: readonly ClaimedTask[];
  /** The projects of ready tasks that need files: they are claimed under their project's lock, see {@link admit}. */
  readonly projectsWithFiles: readonly string[];
}

/**
 * Claims up to one task for each slot among those that need no file, one commit for all. Slots of workers that may use
 * other lanes than `claimer` are left out.
 */
export async function claimWithoutFiles(
  db: Db,
  claimer: Claimer,
  { slots, start }: Wanted,
): Promise<ClaimPass> {
  const rows = await db.query(CLAIM, [...lanesOf(claimer), slots, start]);
  const withFiles = rows
    .filter((row) => row['seq'] === null && row['candidate_seq'] !== null)
    .map((row) => text(row, 'candidate_project'));
  return {
    alike: partOf(rows) ?? slots,
    claimed: rows.filter((row) => row['seq'] !== null).map(claimedFromRow),
    projectsWithFiles: [...new Set(withFiles)],
  };
}

/** The slots that could be served, when those are not all. Told by one row, so that the answer does not grow with both. */
function partOf(rows: readonly Row[]): readonly string[] | undefined {
  const told = rows.find((row) => row['alike'] !== null);
  return told === undefined ? undefined : texts(told, 'alike');
}

const LOCK_CANDIDATES = statement(
  'ledger.lockCandidates',
  `with recursive ${ELIGIBLE_LANES}, ${candidates('$5')}
   select c.seq, c.project_id, c.lane, c.priority, c.file_paths, c.required_files, c.file_modes from candidates c order by c.priority desc, c.seq`,
);

export interface Candidate extends Applicant {
  readonly projectId: string;
}

/** Locks the next `limit` ready tasks in the order of service, whether or not they need files. */
export async function lockCandidates(tx: Tx, claimer: Claimer, limit: number): Promise<Candidate[]> {
  return (await tx.query(LOCK_CANDIDATES, [...lanesOf(claimer), limit])).map(candidateFromRow);
}

const FIND_CANDIDATES = statement(
  'ledger.findCandidates',
  `select t.seq, t.project_id, t.lane, t.priority, t.file_paths, t.required_files, t.file_modes
   from tasks t where t.seq = any($1::bigint[]) order by t.priority desc, t.seq`,
);

/** Tasks as applicants for their files, in the order of service. */
export async function findCandidates(db: Db, seqs: readonly number[]): Promise<Candidate[]> {
  return (await db.query(FIND_CANDIDATES, [seqs])).map(candidateFromRow);
}

function candidateFromRow(row: Row): Candidate {
  return {
    seq: integer(row, 'seq'),
    projectId: text(row, 'project_id'),
    lane: text(row, 'lane'),
    priority: integer(row, 'priority'),
    files: filesFromRow(row),
  };
}

function filesFromRow(row: Row): WantedFile[] {
  const names = texts(row, 'required_files');
  const letters = text(row, 'file_modes');
  return texts(row, 'file_paths').map((path, index) => ({
    name: names[index] ?? path,
    pattern: storedPattern(path),
    mode: modeFromLetter(letters, index),
  }));
}

const ADMIT = statement(
  'ledger.admit',
  `with claimed as (
     update tasks t set ${claimColumns('w', '$5::boolean')}
     from (
       select old.seq, old.status, w.worker_id, ${NEW_TOKEN} as token, ${gatewayFor('old', '$5::boolean')} as gateway_id
       from unnest($2::bigint[], $3::text[]) w(seq, worker_id) join tasks old on old.seq = w.seq
     ) w
     where t.seq = w.seq and t.gate = ${GATE.runnable}
     returning ${TASK_COLUMNS}, w.status as from_status
   ), locks as (
     insert into file_locks (project_id, path, prefix, mode, task_seq, file_path)
     select c.project_id, f.path, f.prefix, f.mode, c.seq, f.name
     from unnest($6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[]) f(seq, path, prefix, mode, name)
     join claimed c on c.seq = f.seq order by f.path
   ), waits as (
     delete from file_waits w using claimed c where w.task_seq = c.seq
   ), ${claimEvents('$5::boolean')}
   select * from claimed order by priority desc, seq`,
);

/**
 * Claims tasks that {@link lockCandidates} has locked, together with all of their files, each for the worker in its
 * slot. The caller holds the lock of the project and has seen that all of them may own their files together.
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

const READY_EXISTS = statement(
  'ledger.readyExists',
  `with recursive ${ELIGIBLE_LANES} select exists (select from eligible) as ready`,
);

/** Whether a claim could find something: tells an empty ledger from one whose ready tasks others were just looking at. */
export async function readyExists(db: Db, claimer: Claimer): Promise<boolean> {
  const [row] = await db.query(READY_EXISTS, lanesOf(claimer));
  return row?.['ready'] === true;
}

const PEEK = statement(
  'ledger.peekCandidates',
  `with recursive ${ELIGIBLE_LANES}, ${candidates('$5', { lock: '' })}
   select c.seq, c.project_id, c.lane, c.priority, c.file_paths, c.required_files, c.file_modes
   from candidates c order by c.priority desc, c.seq`,
);

/** What {@link lockCandidates} would look at, without a lock. */
export async function peekCandidates(db: Db, claimer: Claimer, limit: number): Promise<Candidate[]> {
  return (await db.query(PEEK, [...lanesOf(claimer), limit])).map(candidateFromRow);
}

const ELIGIBLE_AMONG = statement(
  'ledger.eligibleAmong',
  `with ${CLAIMER}
   select t.seq, t.project_id, t.lane, t.priority, t.file_paths, t.required_files, t.file_modes
   from tasks t cross join lateral (select ${ASKED_ABOUT}) head
   where t.seq = any($5::bigint[]) and ${MAY_TAKE}
   order by t.priority desc, t.seq`,
);

/** Those of some waiting tasks that the claimer may take, in the order of service. */
export async function eligibleAmong(db: Db, claimer: Claimer, seqs: readonly number[]): Promise<Candidate[]> {
  if (seqs.length === 0) return [];
  return (await db.query(ELIGIBLE_AMONG, [...lanesOf(claimer), seqs])).map(candidateFromRow);
}
