import { type Db, type Tx } from '../../platform/database/database.js';
import {
  instant,
  type Instant,
  instantOrNull,
  integer,
  integerOrNull,
  onlyRow,
  type Row,
  text,
  textOrNull,
} from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';

export const deliveryStatuses = ['pending', 'delivered', 'failed'] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];

/** What a webhook is to be told, once at least. */
export interface NewDelivery {
  readonly id: string;
  readonly eventType: string;
  readonly taskId: string | null;
  readonly body: string;
}

/** One telling, as operators see it. */
export interface Delivery {
  readonly id: string;
  readonly webhookId: string;
  readonly eventType: string;
  readonly taskId: string | null;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly nextAttemptAt: Instant | null;
  readonly lastAttemptAt: Instant | null;
  readonly lastStatusCode: number | null;
  readonly lastError: string | null;
  readonly createdAt: Instant;
  readonly endedAt: Instant | null;
}

const COLUMNS = `d.delivery_id, d.webhook_id, d.event_type, d.task_id, d.status, d.attempts,
   case when d.attempt_id is null then d.due_at end as next_attempt_at, d.last_attempt_at, d.last_status_code,
   d.last_error, d.created_at, d.ended_at`;

const deliveryFromRow = (row: Row): Delivery => ({
  id: text(row, 'delivery_id'),
  webhookId: text(row, 'webhook_id'),
  eventType: text(row, 'event_type'),
  taskId: textOrNull(row, 'task_id'),
  status: text(row, 'status') as DeliveryStatus,
  attempts: integer(row, 'attempts'),
  nextAttemptAt: instantOrNull(row, 'next_attempt_at'),
  lastAttemptAt: instantOrNull(row, 'last_attempt_at'),
  lastStatusCode: integerOrNull(row, 'last_status_code'),
  lastError: textOrNull(row, 'last_error'),
  createdAt: instant(row, 'created_at'),
  endedAt: instantOrNull(row, 'ended_at'),
});

const INSERT = statement(
  'webhooks.insertDeliveries',
  `insert into webhook_deliveries (delivery_id, webhook_id, event_type, task_id, body, status, due_at, retry_until)
   select n.id, $1::text, n."eventType", n."taskId", n.body, 'pending', now(),
     now() + $3::float8 * interval '1 millisecond'
   from json_to_recordset($2::json) as n(id text, "eventType" text, "taskId" text, body text)
   on conflict (delivery_id) do nothing`,
);

/** Adds deliveries, due now. One that is there already stays as it is. */
export async function insertDeliveries(
  tx: Tx,
  webhookId: string,
  deliveries: readonly NewDelivery[],
  retryMs: number,
): Promise<void> {
  await tx.query(INSERT, [webhookId, JSON.stringify(deliveries), retryMs]);
}

/** A delivery that is to be attempted now. Whoever got it has it until the lease ends. */
export interface Attempt {
  readonly deliveryId: string;
  readonly webhookId: string;
  readonly attemptId: string;
  readonly body: string;
  /** This one included. */
  readonly attempts: number;
}

const CLAIM = statement(
  'webhooks.claimDue',
  `with due as (
     select d.delivery_id from webhook_deliveries d
     where d.webhook_id = $1 and d.status = 'pending' and d.due_at <= now()
       and exists (select from webhooks w where w.webhook_id = $1 and w.disabled_at is null)
     order by d.due_at limit $2 for no key update skip locked)
   update webhook_deliveries d
   set attempts = d.attempts + 1, attempt_id = gen_random_uuid(), last_attempt_at = now(),
     due_at = now() + $3::float8 * interval '1 millisecond'
   from due where d.delivery_id = due.delivery_id
   returning d.delivery_id, d.webhook_id, d.attempt_id::text as attempt_id, d.body, d.attempts`,
);

/** Takes up to `limit` due deliveries of a webhook, if it is enabled, for as long as the lease. */
export async function claimDue(
  db: Db,
  webhookId: string,
  limit: number,
  leaseMs: number,
): Promise<Attempt[]> {
  return (await db.query(CLAIM, [webhookId, limit, leaseMs])).map((row) => ({
    deliveryId: text(row, 'delivery_id'),
    webhookId: text(row, 'webhook_id'),
    attemptId: text(row, 'attempt_id'),
    body: text(row, 'body'),
    attempts: integer(row, 'attempts'),
  }));
}

const DUE = statement(
  'webhooks.due',
  `select w.webhook_id, ceil(extract(epoch from n.due_at - now()) * 1000)::float8 as in_ms
   from webhooks w cross join lateral (
     select d.due_at from webhook_deliveries d
     where d.webhook_id = w.webhook_id and d.status = 'pending' order by d.due_at limit 1) n
   where w.disabled_at is null`,
);

/** Each enabled webhook that has something to be told, with the milliseconds until then; zero or less: now. */
export async function listDue(db: Db): Promise<{ readonly webhookId: string; readonly inMs: number }[]> {
  return (await db.query(DUE)).map((row) => ({
    webhookId: text(row, 'webhook_id'),
    inMs: Number(row['in_ms']),
  }));
}

/** What came of an attempt. */
export interface AttemptResult {
  readonly statusCode: number | null;
  /** Null: it was taken. */
  readonly error: string | null;
}

const END = statement(
  'webhooks.endDelivery',
  `update webhook_deliveries d set status = $3, due_at = null, attempt_id = null, ended_at = clock_timestamp(),
     last_status_code = $4, last_error = $5
   where d.delivery_id = $1 and d.attempt_id = $2::uuid returning 1`,
);

/** Ends a delivery; false when the attempt no longer counts. */
export async function endDelivery(
  tx: Tx,
  { deliveryId, attemptId }: Attempt,
  status: 'delivered' | 'failed',
  { statusCode, error }: AttemptResult,
): Promise<boolean> {
  return (await tx.query(END, [deliveryId, attemptId, status, statusCode, error])).length > 0;
}

const POSTPONE = statement(
  'webhooks.postpone',
  `update webhook_deliveries d set attempt_id = null, last_status_code = $3, last_error = $4,
     status = case when now() + $5::float8 * interval '1 millisecond' > d.retry_until then 'failed' else d.status end,
     due_at = case when now() + $5::float8 * interval '1 millisecond' > d.retry_until then null
       else now() + $5::float8 * interval '1 millisecond' end,
     ended_at = case when now() + $5::float8 * interval '1 millisecond' > d.retry_until then clock_timestamp() end
   where d.delivery_id = $1 and d.attempt_id = $2::uuid returning 1`,
);

/** Lets a delivery be attempted again after a pause, or have failed when its time is over by then; false as above. */
export async function postponeDelivery(
  tx: Tx,
  { deliveryId, attemptId }: Attempt,
  { statusCode, error }: AttemptResult,
  pauseMs: number,
): Promise<boolean> {
  return (await tx.query(POSTPONE, [deliveryId, attemptId, statusCode, error, pauseMs])).length > 0;
}

const HAND_BACK = statement(
  'webhooks.handBack',
  `update webhook_deliveries d set attempt_id = null, due_at = now(), last_status_code = null, last_error = $3
   where d.delivery_id = $1 and d.attempt_id = $2::uuid`,
);

/** Lets a delivery be attempted by another replica at once. */
export async function handBack(db: Db, { deliveryId, attemptId }: Attempt, why: string): Promise<void> {
  await db.query(HAND_BACK, [deliveryId, attemptId, why]);
}

const REDELIVER = statement(
  'webhooks.redeliver',
  `update webhook_deliveries d set status = 'pending', due_at = now(), attempt_id = null, ended_at = null,
     attempts = case when d.status = 'pending' then d.attempts else 0 end,
     retry_until = now() + $3::float8 * interval '1 millisecond'
   where d.webhook_id = $1 and d.delivery_id = $2 and not (d.attempt_id is not null and d.due_at > now())
   returning 1`,
);
const FIND = statement(
  'webhooks.findDelivery',
  `select ${COLUMNS} from webhook_deliveries d where d.webhook_id = $1 and d.delivery_id = $2`,
);

export async function findDelivery(db: Db, webhookId: string, id: string): Promise<Delivery | null> {
  return (await db.query(FIND, [webhookId, id])).map(deliveryFromRow)[0] ?? null;
}

/** Makes a delivery due now, whatever became of it, unless an attempt is under way. Null when there is none. */
export async function redeliver(
  tx: Tx,
  webhookId: string,
  id: string,
  retryMs: number,
): Promise<Delivery | null> {
  await tx.query(REDELIVER, [webhookId, id, retryMs]);
  return findDelivery(tx, webhookId, id);
}

const LIST = statement(
  'webhooks.listDeliveries',
  `select ${COLUMNS} from webhook_deliveries d
   where d.webhook_id = $1 and ($2::text is null or d.status = $2)
     and ($3::timestamptz is null or d.created_at < $3 or (d.created_at = $3 and d.delivery_id > $4))
   order by d.created_at desc, d.delivery_id limit $5`,
);

/** Up to `limit` deliveries of a webhook, newest first; those after `after` if given. */
export async function listDeliveries(
  db: Db,
  webhookId: string,
  status: DeliveryStatus | null,
  after: { readonly createdAt: Instant; readonly id: string } | null,
  limit: number,
): Promise<Delivery[]> {
  const values = [webhookId, status, after?.createdAt ?? null, after?.id ?? '', limit];
  return (await db.query(LIST, values)).map(deliveryFromRow);
}

const COUNT_PENDING = statement(
  'webhooks.countPending',
  `select w.id as webhook_id, (
     select count(*) from (
       select from webhook_deliveries d where d.webhook_id = w.id and d.status = 'pending' limit $2) p) as pending
   from unnest($1::text[]) as w(id)`,
);

/** How many deliveries wait, by webhook; counted up to `upTo`. */
export async function countPending(
  db: Db,
  webhookIds: readonly string[],
  upTo: number,
): Promise<Map<string, number>> {
  const rows = await db.query(COUNT_PENDING, [webhookIds, upTo]);
  return new Map(rows.map((row) => [text(row, 'webhook_id'), integer(row, 'pending')]));
}

const PRUNE = statement(
  'webhooks.pruneDeliveries',
  `with edge as (
     select greatest(
       now() - $2::float8 * interval '1 day',
       (select d.ended_at from webhook_deliveries d where d.webhook_id = $1 and d.status <> 'pending'
        order by d.ended_at desc offset $3 limit 1)) as at
   ), old as (
     select d.delivery_id from webhook_deliveries d, edge
     where d.webhook_id = $1 and d.status <> 'pending' and d.ended_at <= edge.at
     order by d.ended_at limit $4 for update of d skip locked
   ), gone as (
     delete from webhook_deliveries d using old where d.delivery_id = old.delivery_id returning 1
   ) select count(*) as deleted from gone`,
);

/** Deletes up to `limit` deliveries of a webhook that ended `days` ago or before the newest `keep`; returns how many. */
export async function pruneDeliveries(
  db: Db,
  webhookId: string,
  { days, keep, limit }: { readonly days: number; readonly keep: number; readonly limit: number },
): Promise<number> {
  return integer(onlyRow(await db.query(PRUNE, [webhookId, days, keep, limit])), 'deleted');
}
