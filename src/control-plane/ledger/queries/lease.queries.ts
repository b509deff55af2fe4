import { type Db } from '../../../platform/database/database.js';
import { instant, type Instant, integer, text, texts, type Row } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { appendEvents, type EventColumns } from '../../events/index.js';
import { GATE } from '../domain/gate.js';
import { type ClaimProof } from '../domain/task.js';
import { verbs } from '../domain/task-state.js';
import { columnsOf } from './proofs.js';
import { inStates } from './states.js';

/** The event of a start, from rows with the holder and the token. */
export const RUNNING_EVENT: EventColumns = {
  type: 'running',
  from: `'claimed'`,
  to: `'running'`,
  worker: 'locked_by',
  token: 'claim_token',
  message: `'Task execution started.'`,
};

const START = statement(
  'ledger.start',
  `with started as (
     update tasks t set status = 'running', version = t.version + 1, updated_at = now()
     from unnest($1::text[], $2::text[], $3::text[]) p(id, worker_id, claim_token)
     where t.id = p.id and t.locked_by = p.worker_id and t.claim_token = p.claim_token
       and ${inStates('t.status', verbs.start.from)}
     returning t.id, t.version, t.locked_by, t.claim_token
   ), logged as (${appendEvents('started', RUNNING_EVENT)})
   select id from started`,
  { plan: 'once' },
);

/** The text of the start, for those who want to see its plan. */
export const START_SQL = START.text;

/** claimed → running for the holders. Returns the tasks that are running now; one whose proof does not hold is missing. */
export async function start(db: Db, proofs: readonly ClaimProof[]): Promise<ReadonlySet<string>> {
  return new Set((await db.query(START, columnsOf(proofs))).map((row) => text(row, 'id')));
}

const RENEW = statement(
  'ledger.renew',
  `update tasks t
   set lease_expires_at = now() + t.lease_seconds * interval '1 second', version = t.version + 1, updated_at = now()
   from unnest($1::text[], $2::text[], $3::text[]) p(id, worker_id, claim_token)
   where t.id = p.id and t.claim_token = p.claim_token and t.locked_by = p.worker_id and t.gate = ${GATE.held}
   returning t.id, t.lease_expires_at`,
  { plan: 'once' },
);

/** Lets leases begin anew. Returns the ends of those that were held; a task that is missing was lost. Touches no index. */
export async function renew(db: Db, proofs: readonly ClaimProof[]): Promise<ReadonlyMap<string, Instant>> {
  const rows = await db.query(RENEW, columnsOf(proofs));
  return new Map(rows.map((row) => [text(row, 'id'), instant(row, 'lease_expires_at')]));
}

export const IN_FLIGHT = statement(
  'ledger.inFlightByGateway',
  `select t.dispatch_gateway_id, count(*) as tasks from tasks t
   where t.gate = ${GATE.held} and t.dispatch_gateway_id is not null
   group by t.dispatch_gateway_id`,
);

/** How many dispatched tasks each gateway is running, over all replicas. */
export async function inFlightByGateway(db: Db): Promise<ReadonlyMap<string, number>> {
  const rows = await db.query(IN_FLIGHT);
  return new Map(rows.map((row) => [text(row, 'dispatch_gateway_id'), integer(row, 'tasks')]));
}

const HOLDERS = `select t.locked_by, min(t.locked_at) as locked_at,
     array_agg(t.id order by t.locked_at, t.seq) as ids,
     array_agg(t.status order by t.locked_at, t.seq) as statuses,
     array_agg(t.action order by t.locked_at, t.seq) as actions
   from tasks t where t.gate = ${GATE.held}`;

const LIST_HOLDERS = statement(
  'ledger.listHolders',
  `${HOLDERS} group by t.locked_by
   having $1::timestamptz is null or (min(t.locked_at), t.locked_by collate "C") < ($1, $2::text collate "C")
   order by min(t.locked_at) desc, t.locked_by collate "C" desc limit $3`,
);

const HOLDERS_AMONG = statement(
  'ledger.holdersAmong',
  `${HOLDERS} and t.locked_by = any($1::text[]) group by t.locked_by`,
);

/** Whoever holds tasks now, with the tasks held longest first. */
export interface HolderOfTasks {
  readonly lockedBy: string;
  readonly lockedAt: Instant;
  readonly tasks: readonly { readonly id: string; readonly status: string; readonly action: string }[];
}

/** Holders by when they took their oldest task, newest first, then by id, descending; those after `after` if given. */
export async function listHolders(
  db: Db,
  after: Pick<HolderOfTasks, 'lockedAt' | 'lockedBy'> | null,
  limit: number,
): Promise<HolderOfTasks[]> {
  const rows = await db.query(LIST_HOLDERS, [after?.lockedAt ?? null, after?.lockedBy ?? null, limit]);
  return rows.map(holderFromRow);
}

/** Those of `ids` that hold tasks now. */
export async function holdersAmong(db: Db, ids: readonly string[]): Promise<HolderOfTasks[]> {
  return (await db.query(HOLDERS_AMONG, [ids])).map(holderFromRow);
}

function holderFromRow(row: Row): HolderOfTasks {
  const [statuses, actions] = [texts(row, 'statuses'), texts(row, 'actions')];
  return {
    lockedBy: text(row, 'locked_by'),
    lockedAt: instant(row, 'locked_at'),
    tasks: texts(row, 'ids').map((id, index) => ({
      id,
      status: statuses[index] ?? '',
      action: actions[index] ?? '',
    })),
  };
}
