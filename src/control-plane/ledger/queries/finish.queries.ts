import { type Db, type Tx } from '../../../platform/database/database.js';
import { flag, integer, type JsonObject, real, type Row, text } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { type EventType } from '../../events/index.js';
import { GATE } from '../domain/gate.js';
import { type Concurrency } from '../domain/concurrency.js';
import { type ClaimProof } from '../domain/task.js';
import { verbs } from '../domain/task-state.js';
import { type Conduct, toldOf, violationsText } from './conduct.js';
import { laneOf } from './lane.js';
import { IS_JOB, type Job, jobColumns, jobFromRow } from './job-row.js';
import { columnsOf } from './proofs.js';
import { inStates } from './states.js';
import { concurrencyFromRow } from './task-row.js';
import { WRITTEN_BY } from './writer.js';

const CONCURRENCY = (alias: '' | 't.') => `${alias}concurrency_key, ${alias}concurrency_limit`;

/** What the end of a claim needs to know before it can choose its way. */
export interface Claimed {
  readonly seq: number;
  readonly id: string;
  readonly projectId: string;
  /** It may own files or have a place of its key: its end gives them up, under the project's lock. */
  readonly hasHoldings: boolean;
  readonly concurrency: Concurrency | null;
  readonly hasDependents: boolean;
}

const claimedFromRow = (row: Row): Claimed => ({
  seq: integer(row, 'seq'),
  id: text(row, 'id'),
  projectId: text(row, 'project_id'),
  hasHoldings: flag(row, 'has_holdings'),
  concurrency: concurrencyFromRow(row),
  hasDependents: flag(row, 'has_dependents'),
});

const FIND_CLAIMED = statement(
  'ledger.findClaimed',
  `select t.seq, t.id, t.project_id, t.has_holdings, ${CONCURRENCY('t.')}, t.has_dependents
   from unnest($1::text[], $2::text[], $3::text[]) p(id, worker_id, claim_token)
   join tasks t on t.id = p.id and t.locked_by = p.worker_id and t.claim_token = p.claim_token`,
  { plan: 'once' },
);

/** The tasks that proofs hold, unlocked; those that hold none are missing. */
export async function findClaimed(db: Db, proofs: readonly ClaimProof[]): Promise<Claimed[]> {
  return (await db.query(FIND_CLAIMED, columnsOf(proofs))).map(claimedFromRow);
}

/** What the holder of a running task reports of its success. */
export interface Success {
  readonly proof: ClaimProof;
  readonly result: JsonObject;
  readonly error: string;
}

/** How a claim ends without a success: one verb of the state machine with all that it writes. */
export type Ending =
  | { readonly verb: 'fail'; readonly result: JsonObject; readonly error: string; readonly message: string }
  | {
      readonly verb: 'release';
      /** Shown as the task's error until its next end. */
      readonly reason: string;
      readonly message: string;
      /** Seconds that the task rests before it may be claimed again. */
      readonly restSeconds: number;
      /** Whether an execution may still be going on, so that only its gateway may be asked again. */
      readonly keepDispatchKey: boolean;
      /** Counts towards the times that a lease may run out. */
      readonly leaseExpired: boolean;
    }
  | { readonly verb: 'timeOut'; readonly error: string; readonly message: string };

const NO_HOLDER = `holder = null, locked_by = null, claim_token = null, locked_at = null, lease_expires_at = null,
       claim_began_at = t.locked_at,
       version = t.version + 1, updated_at = now(), ${WRITTEN_BY}`;
const NO_DISPATCH = 'dispatch_key = null, dispatch_gateway_id = null';
const RELEASED_GATE = `case when $6::float8 > 0 then ${GATE.waitsForTime} else ${GATE.runnable} end`;

const payloadOf = (success: boolean) => `json_build_object('success', ${success}, 'error', error)`;
/** Of both moments the database's clock is asked. */
const RUN_SECONDS = `date_part('epoch', t.updated_at - t.claim_began_at) as run_seconds`;
const RETURNED = `${RUN_SECONDS}, t.seq, t.id, t.version, t.error, t.project_id, t.has_holdings, ${CONCURRENCY('t.')}, t.has_dependents`;

const ENDED_COLUMNS = `seq, id, project_id, has_holdings, ${CONCURRENCY('')}, has_dependents, run_seconds`;

/** A claim that has ended. */
export interface EndedClaim extends Claimed {
  /** How long it lasted. */
  readonly runSeconds: number;
}

const runSecondsOf = (row: Row) => real(row, 'run_seconds');
const endedFromRow = (row: Row): EndedClaim => ({ ...claimedFromRow(row), runSeconds: runSecondsOf(row) });

interface EndingSql {
  readonly set: string;
  readonly event: EventType;
  readonly message: string;
  readonly payload?: string;
}

/** $4 error, $5 message, then what the verb needs: result and, if it strayed, violations; or rest seconds, keep key, lease expired. */
const endings: Readonly<Record<Ending['verb'], EndingSql>> = {
  fail: {
    set: `status = 'failed', gate = ${GATE.failed}, result = $6::json, error = $4, completed_at = now(), ${NO_DISPATCH}`,
    event: 'failed',
    message: '$5::text',
    payload: payloadOf(false),
  },
  release: {
    set: `status = 'released', gate = ${RELEASED_GATE}, error = $4,
       next_attempt_at = case when $6::float8 > 0 then now() + $6::float8 * interval '1 second' end,
       dispatch_key = case when $7::boolean then t.dispatch_key end,
       dispatch_gateway_id = case when $7::boolean then t.dispatch_gateway_id end,
       lane = ${laneOf('t', 'case when $7::boolean then t.dispatch_key end', 't.dispatch_gateway_id')},
       lease_expiries = t.lease_expiries + $8::integer`,
    event: 'released',
    message: '$5::text',
  },
  timeOut: {
    set: `status = 'failed_timeout', gate = ${GATE.failed}, error = $4, completed_at = now(), ${NO_DISPATCH}`,
    event: 'failed_timeout',
    message: '$5::text',
    payload: payloadOf(false),
  },
};

/** `short`: only tasks whose end concerns nobody else. `whole`: only when what the caller has prepared still fits (last). */
function endStatement(
  verb: Ending['verb'],
  way: 'short' | 'whole',
  conduct: Conduct = 'kept',
): ReturnType<typeof statement> {
  const { set, event, message, payload } = endings[verb];
  const parameters = { release: 9, timeOut: 6, fail: conduct === 'strayed' ? 8 : 7 }[verb];
  const guard =
    way === 'short'
      ? 'not t.has_holdings and not t.has_dependents'
      : `t.has_holdings = $${parameters}::boolean`;
  return statement(
    `ledger.end.${verb}.${way}${conduct === 'strayed' ? '.strayed' : ''}`,
    `with ended as (
       update tasks t set ${set}, ${NO_HOLDER}
       from tasks old
       where t.id = $1 and t.locked_by = $2 and t.claim_token = $3 and ${inStates('t.status', verbs[verb].from)}
         and old.seq = t.seq and old.version = t.version and ${guard}
       returning ${RETURNED}, t.status, ${conduct === 'strayed' ? '$7::text as lease_violations,' : ''}
         old.status as from_status, old.locked_by as was_locked_by, old.claim_token as was_claim_token
     ), logged as (
       ${toldOf(
         {
           type: event,
           from: 'from_status',
           to: 'status',
           worker: 'was_locked_by',
           token: 'was_claim_token',
           message,
           ...(payload === undefined ? {} : { payload }),
         },
         conduct,
       )}
     )
     select ${ENDED_COLUMNS} from ended`,
  );
}

const statements = {
  short: {
    fail: endStatement('fail', 'short'),
    strayed: endStatement('fail', 'short', 'strayed'),
    release: endStatement('release', 'short'),
    timeOut: endStatement('timeOut', 'short'),
  },
  whole: {
    fail: endStatement('fail', 'whole'),
    strayed: endStatement('fail', 'whole', 'strayed'),
    release: endStatement('release', 'whole'),
    timeOut: endStatement('timeOut', 'whole'),
  },
} as const;

/** The statement of an ending. */
function statementFor(way: 'short' | 'whole', ending: Ending): ReturnType<typeof statement> {
  const strayed = ending.verb === 'fail' && violationsText(ending.result) !== null;
  return statements[way][strayed ? 'strayed' : ending.verb];
}

function valuesOf({ taskId, workerId, claimToken }: ClaimProof, ending: Ending): unknown[] {
  const proof = [taskId, workerId, claimToken];
  switch (ending.verb) {
    case 'fail': {
      const { error, message, result } = ending;
      const violations = violationsText(result);
      const strayed = violations === null ? [] : [violations];
      return [...proof, error, message, JSON.stringify(result), ...strayed];
    }
    case 'release': {
      const { reason, message, restSeconds, keepDispatchKey, leaseExpired } = ending;
      return [...proof, reason, message, restSeconds, keepDispatchKey, leaseExpired ? 1 : 0];
    }
    case 'timeOut':
      return [...proof, ending.error, ending.message];
  }
}

/**
 * Ends a claim in one commit when the task has no holdings and no dependents; returns how many seconds it lasted. Null:
 * take {@link endWhole}.
 */
export async function endShort(db: Db, proof: ClaimProof, ending: Ending): Promise<number | null> {
  const [row] = await db.query(statementFor('short', ending), valuesOf(proof, ending));
  return row === undefined ? null : runSecondsOf(row);
}

/**
 * Ends a claim. Null when the proof does not hold, the state does not allow it, or the task took its first file since
 * the caller looked (`hasHoldings`). What hangs on the task (files, its key, dependents) is the caller's next statement: a walk over
 * the edges in the same one would miss an edge that was committed while it waited for the row.
 */
export async function endWhole(
  tx: Tx,
  proof: ClaimProof,
  ending: Ending,
  hasHoldings: boolean,
): Promise<EndedClaim | null> {
  const rows = await tx.query(statementFor('whole', ending), [...valuesOf(proof, ending), hasHoldings]);
  return rows.map(endedFromRow)[0] ?? null;
}

/**
 * All that a success writes, for many at once. It has one state to come from, so no old row is looked up. `jobs` is the
 * short way for jobs, and returns them whole.
 */
function succeedStatement(way: 'short' | 'whole' | 'jobs', conduct: Conduct): ReturnType<typeof statement> {
  const strayed = conduct === 'strayed';
  const guard =
    way === 'whole'
      ? `t.has_holdings = ${strayed ? '$7' : '$6'}::boolean`
      : 'not t.has_holdings and not t.has_dependents';
  return statement(
    `ledger.succeed.${way}${strayed ? '.strayed' : ''}`,
    `with ended as (
       update tasks t set status = 'succeeded', gate = null, result = p.result::json, error = p.error,
         completed_at = now(), ${NO_DISPATCH}, ${NO_HOLDER}
       from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]${strayed ? ', $6::text[]' : ''})
         p(id, worker_id, claim_token, error, result${strayed ? ', lease_violations' : ''})
       where t.id = p.id and t.locked_by = p.worker_id and t.claim_token = p.claim_token
         and ${inStates('t.status', verbs.succeed.from)} and ${guard}
         ${way === 'jobs' ? `and ${IS_JOB}` : ''}
       returning ${way === 'jobs' ? `${jobColumns('t')}, t.project_id, ${RUN_SECONDS}` : RETURNED}, p.worker_id, p.claim_token as was_claim_token
         ${strayed ? ', p.lease_violations' : ''}
     ), logged as (
       ${toldOf(
         {
           type: 'succeeded',
           from: `'${verbs.succeed.from[0]}'`,
           to: `'succeeded'`,
           worker: 'worker_id',
           token: 'was_claim_token',
           message: `'Task finished.'`,
           payload: payloadOf(true),
         },
         conduct,
       )}
     )
     select ${way === 'jobs' ? `${jobColumns('ended')}, run_seconds` : ENDED_COLUMNS} from ended`,
    { plan: 'once' },
  );
}

const succeed = {
  short: { kept: succeedStatement('short', 'kept'), strayed: succeedStatement('short', 'strayed') },
  whole: { kept: succeedStatement('whole', 'kept'), strayed: succeedStatement('whole', 'strayed') },
  jobs: { kept: succeedStatement('jobs', 'kept'), strayed: succeedStatement('jobs', 'strayed') },
} as const;

/** The text of a success, for those who want to see its plan. */
export const SUCCEED_SQL = succeed.short.kept.text;

/** The statement for successes and its values, but for what `whole` needs more. */
function successOf(
  way: keyof typeof succeed,
  successes: readonly Success[],
): readonly [statement: ReturnType<typeof statement>, values: unknown[]] {
  const values = [
    ...columnsOf(successes.map(({ proof }) => proof)),
    successes.map(({ error }) => error),
    successes.map(({ result }) => JSON.stringify(result)),
  ];
  const violations = successes.map(({ result }) => violationsText(result));
  return violations.every((text) => text === null)
    ? [succeed[way].kept, values]
    : [succeed[way].strayed, [...values, violations]];
}

/**
 * Records, in one commit, the successes of tasks that have no holdings and no dependents; returns by id how many
 * seconds each was held. For one that is missing take {@link succeedWhole}. No two may be of the same task.
 */
export async function succeedShort(
  db: Db,
  successes: readonly Success[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await db.query(...successOf('short', successes));
  return new Map(rows.map((row) => [text(row, 'id'), runSecondsOf(row)]));
}

/** {@link succeedShort} for jobs, which it returns as they are then. */
export async function succeedJobs(
  db: Db,
  successes: readonly Success[],
): Promise<readonly { readonly job: Job; readonly runSeconds: number }[]> {
  const rows = await db.query(...successOf('jobs', successes));
  return rows.map((row) => ({ job: jobFromRow(row), runSeconds: runSecondsOf(row) }));
}

/** Records successes whatever hangs on them, as {@link endWhole} does for one end. Returns the tasks that ended. */
export async function succeedWhole(
  tx: Tx,
  successes: readonly Success[],
  hasHoldings: boolean,
): Promise<EndedClaim[]> {
  const [sql, values] = successOf('whole', successes);
  return (await tx.query(sql, [...values, hasHoldings])).map(endedFromRow);
}
