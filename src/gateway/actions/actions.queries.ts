import { type Db } from '../../platform/database/database.js';
import { flag, integer, integerOrNull, onlyRow, type Row, text } from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';

/** A process that has not said for so long that it lives counts as dead, and what it was running as interrupted. */
const ALIVE_SECONDS = 10;
const ALIVE = `now() + interval '${ALIVE_SECONDS} seconds'`;

export interface ExecutionKey {
  readonly taskId: string;
  readonly idempotencyKey: string;
}

/** An execution as it is remembered. */
export interface Remembered {
  readonly fingerprint: string;
  /** `running`, `unanswered` (its executor may be at it still, and nobody waits for the answer) or `done`. */
  readonly state: string;
  /** Who was given it. */
  readonly executorId: string;
  /** Whether he still knows what became of it, and can be asked by its key. */
  readonly recallable: boolean;
  /** The process that runs it, or ran it last. */
  readonly bootId: string;
  /** Whether that process is believed to live. */
  readonly alive: boolean;
  readonly httpStatus: number | null;
  readonly response: unknown;
}

/** Who is given an execution, and for how long he can be asked about it by its key; null: not at all. */
export interface Executing {
  readonly executorId: string;
  readonly recallableSeconds: number | null;
}

const rememberedFromRow = (row: Row): Remembered => ({
  fingerprint: text(row, 'fingerprint'),
  state: text(row, 'state'),
  executorId: text(row, 'executor_id'),
  recallable: flag(row, 'recallable'),
  bootId: text(row, 'boot_id'),
  alive: flag(row, 'alive'),
  httpStatus: integerOrNull(row, 'http_status'),
  response: row['response'],
});

const FIND = statement(
  'gateway.findExecution',
  `select e.fingerprint, e.state, e.executor_id, coalesce(e.recallable_until > now(), false) as recallable, e.boot_id,
     e.alive_until > now() as alive, e.http_status, e.response
   from gateway.executions e where e.task_id = $1 and e.idempotency_key = $2`,
);

export async function findExecution(db: Db, key: ExecutionKey): Promise<Remembered | null> {
  return (await db.query(FIND, [key.taskId, key.idempotencyKey])).map(rememberedFromRow)[0] ?? null;
}

const BEGIN = statement(
  'gateway.beginExecution',
  `insert into gateway.executions (
     task_id, idempotency_key, fingerprint, action, state, boot_id, alive_until, executor_id, recallable_until)
   select $1::text, $2::text, $3::text, $4::text, 'running', $5::text, ${ALIVE}, $7::text,
     now() + $8::integer * interval '1 second'
   where not exists (
     select from gateway.task_leases l where l.task_id = $1::text and l.lease_number > $6::bigint)
   on conflict (task_id, idempotency_key) do nothing returning task_id`,
);

/**
 * Notes that an execution begins. False when somebody has begun it already, or when a higher lease number has come with
 * the task meanwhile.
 */
export async function beginExecution(
  db: Db,
  key: ExecutionKey,
  what: {
    readonly fingerprint: string;
    readonly action: string;
    readonly bootId: string;
    readonly leaseNumber: number | null;
    readonly executor: Executing;
  },
): Promise<boolean> {
  const { fingerprint, action, bootId, leaseNumber, executor } = what;
  const { executorId, recallableSeconds } = executor;
  const values = [
    ...[key.taskId, key.idempotencyKey, fingerprint, action, bootId, leaseNumber],
    ...[executorId, recallableSeconds],
  ];
  return (await db.query(BEGIN, values)).length > 0;
}

const TAKE_OVER = statement(
  'gateway.takeOverExecution',
  `update gateway.executions e set boot_id = $3, state = 'running', alive_until = ${ALIVE},
     executor_id = coalesce($4::text, e.executor_id),
     recallable_until = case when $4::text is null then e.recallable_until
       else now() + $5::integer * interval '1 second' end
   where e.task_id = $1 and e.idempotency_key = $2
     and (e.state = 'unanswered' or e.state = 'running' and (e.alive_until <= now() or e.boot_id = $3))
   returning e.task_id`,
);

/**
 * Takes over what nobody waits for or a dead process was running, or what this one has written down and not begun. False
 * when the other is not dead after all, or somebody else was faster. With `executor` it is given to that one now; else it
 * stays with the one who has it.
 */
export async function takeOverExecution(
  db: Db,
  key: ExecutionKey,
  bootId: string,
  executor?: Executing,
): Promise<boolean> {
  const values = [key.taskId, key.idempotencyKey, bootId, executor?.executorId, executor?.recallableSeconds];
  return (await db.query(TAKE_OVER, values)).length > 0;
}

const FINISH = statement(
  'gateway.finishExecution',
  `update gateway.executions e set state = 'done', http_status = $4, response = $5, finished_at = now()
   where e.task_id = $1 and e.idempotency_key = $2 and e.boot_id = $3 and e.state = 'running' returning e.task_id`,
);

/** Stores how an execution ended. False when it was taken for dead and taken over meanwhile. */
export async function finishExecution(
  db: Db,
  key: ExecutionKey,
  bootId: string,
  answer: { readonly httpStatus: number; readonly body: object },
): Promise<boolean> {
  const values = [key.taskId, key.idempotencyKey, bootId, answer.httpStatus, JSON.stringify(answer.body)];
  return (await db.query(FINISH, values)).length > 0;
}

const LEAVE_OPEN = statement(
  'gateway.leaveExecutionOpen',
  `update gateway.executions e set state = 'unanswered'
   where e.task_id = $1 and e.idempotency_key = $2 and e.boot_id = $3 and e.state = 'running'`,
);

/** Notes that an executor has an execution whose answer was lost or has been given up. */
export async function leaveExecutionOpen(db: Db, key: ExecutionKey, bootId: string): Promise<void> {
  await db.query(LEAVE_OPEN, [key.taskId, key.idempotencyKey, bootId]);
}

const FORGET = statement(
  'gateway.forgetExecution',
  `delete from gateway.executions e
   where e.task_id = $1 and e.idempotency_key = $2 and e.boot_id = $3 and e.state = 'running'`,
);

/** Forgets an execution that has certainly not begun: its key is as good as new. */
export async function forgetExecution(db: Db, key: ExecutionKey, bootId: string): Promise<void> {
  await db.query(FORGET, [key.taskId, key.idempotencyKey, bootId]);
}

const STAY_ALIVE = statement(
  'gateway.stayAlive',
  `update gateway.executions e set alive_until = ${ALIVE} where e.boot_id = $1 and e.state = 'running'`,
);

/** Says that this process lives, for all that it is running. */
export async function stayAlive(db: Db, bootId: string): Promise<void> {
  await db.query(STAY_ALIVE, [bootId]);
}

const SEE_LEASE = statement(
  'gateway.seeLease',
  `insert into gateway.task_leases as l (task_id, lease_number) values ($1, $2)
   on conflict (task_id) do update set
     lease_number = greatest(l.lease_number, excluded.lease_number), seen_at = now()
   returning l.lease_number`,
);

/** Remembers a lease number; returns the highest that was ever seen with the task. */
export async function seeLease(db: Db, taskId: string, leaseNumber: number): Promise<number> {
  return integer(onlyRow(await db.query(SEE_LEASE, [taskId, leaseNumber])), 'lease_number');
}

const IS_STOPPED = statement(
  'gateway.isStopped',
  'select exists (select from gateway.emergency_stop) as stopped',
);
const STOP = statement(
  'gateway.stop',
  'insert into gateway.emergency_stop default values on conflict do nothing',
);
const RESUME = statement('gateway.resume', 'delete from gateway.emergency_stop');

export async function isStopped(db: Db): Promise<boolean> {
  return flag(onlyRow(await db.query(IS_STOPPED)), 'stopped');
}

export async function setStopped(db: Db, stopped: boolean): Promise<void> {
  await db.query(stopped ? STOP : RESUME);
}

const PRUNE = statement(
  'gateway.prune',
  `with finished as (
     delete from gateway.executions e where (e.task_id, e.idempotency_key) in (
       select o.task_id, o.idempotency_key from gateway.executions o
       where o.finished_at < now() - interval '7 days' limit $1)
     returning 1
   ), abandoned as (
     delete from gateway.executions e where (e.task_id, e.idempotency_key) in (
       select o.task_id, o.idempotency_key from gateway.executions o
       where o.state <> 'done' and o.started_at < now() - interval '7 days' and o.alive_until < now() limit $1)
     returning 1
   ), leases as (
     delete from gateway.task_leases l where l.task_id in (
       select o.task_id from gateway.task_leases o where o.seen_at < now() - interval '30 days' limit $1)
     returning 1
   )
   select (select count(*) from finished) + (select count(*) from abandoned) + (select count(*) from leases)
     as deleted`,
);

/**
 * Forgets executions after 7 days, those included that nobody asked for again after their process died or their answer was lost, and lease
 * numbers 30 days after they last came. At most `limit` of each; returns how many.
 */
export async function prune(db: Db, limit: number): Promise<number> {
  return integer(onlyRow(await db.query(PRUNE, [limit])), 'deleted');
}
