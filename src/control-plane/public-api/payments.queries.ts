import { type Db, type Tx } from '../../platform/database/database.js';
import {
  flag,
  integer,
  jsonObject,
  type JsonObject,
  onlyRow,
  type Row,
  text,
  textOrNull,
} from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';

export type PaymentState = 'verified' | 'settling' | 'settled' | 'failed';

/** A payment that has been verified, and what has become of it. */
export interface Payment {
  readonly hash: string;
  readonly keyId: string;
  readonly requestHash: string;
  readonly state: PaymentState;
  readonly x402Version: number;
  readonly payload: JsonObject;
  readonly requirement: JsonObject;
  /** The job that it buys; null once that is there, or will never be. */
  readonly wanted: JsonObject | null;
  /** Whether an earlier attempt to settle it may have gone through. */
  readonly isUncertain: boolean;
  readonly attempts: number;
  /** Milliseconds until somebody may take it up; zero or less: now. */
  readonly dueInMs: number;
  readonly reason: string;
  readonly settlement: JsonObject | null;
  readonly network: string;
  readonly month: string | null;
  readonly jobId: string | null;
}

const COLUMNS = `p.hash, p.key_id, p.request_hash, p.state, p.x402_version, p.payload, p.requirement, p.wanted,
   p.is_uncertain, p.attempts, ceil(extract(epoch from p.due_at - clock_timestamp()) * 1000)::float8 as due_in_ms,
   p.reason, p.settlement, p.network, p.month::text as month, p.job_id`;

const objectOrNull = (row: Row, column: string) => (row[column] === null ? null : jsonObject(row, column));

const paymentFromRow = (row: Row): Payment => ({
  hash: text(row, 'hash'),
  keyId: text(row, 'key_id'),
  requestHash: text(row, 'request_hash'),
  state: text(row, 'state') as PaymentState,
  x402Version: integer(row, 'x402_version'),
  payload: jsonObject(row, 'payload'),
  requirement: jsonObject(row, 'requirement'),
  wanted: objectOrNull(row, 'wanted'),
  isUncertain: flag(row, 'is_uncertain'),
  attempts: integer(row, 'attempts'),
  dueInMs: integer(row, 'due_in_ms'),
  reason: text(row, 'reason'),
  settlement: objectOrNull(row, 'settlement'),
  network: text(row, 'network'),
  month: textOrNull(row, 'month'),
  jobId: textOrNull(row, 'job_id'),
});

const FIND = statement(
  'public-api.findPayment',
  `select ${COLUMNS} from public_payments p where p.hash = $1`,
);

export async function findPayment(db: Db, hash: string): Promise<Payment | null> {
  return (await db.query(FIND, [hash])).map(paymentFromRow)[0] ?? null;
}

const LOCK = statement(
  'public-api.lockPayment',
  `select ${COLUMNS} from public_payments p where p.hash = $1 for no key update`,
);

/** Locks a payment until the commit. */
export async function lockPayment(tx: Tx, hash: string): Promise<Payment> {
  return paymentFromRow(onlyRow(await tx.query(LOCK, [hash])));
}

/** What is known of a payment when it has been verified. */
export type NewPayment = Pick<
  Payment,
  'hash' | 'keyId' | 'requestHash' | 'x402Version' | 'payload' | 'requirement' | 'network'
> & { readonly wanted: JsonObject };

const INSERT = statement(
  'public-api.insertPayment',
  `insert into public_payments (hash, key_id, request_hash, state, x402_version, payload, requirement, wanted, network, due_at)
   values ($1, $2, $3, 'verified', $4, $5, $6, $7, $8, now() + $9::float8 * interval '1 millisecond')
   on conflict (hash) do nothing returning hash`,
);

/** Records a verified payment; false when it is there already. Unless it is taken up within `keptMs` it comes to nothing. */
export async function insertPayment(tx: Tx, payment: NewPayment, keptMs: number): Promise<boolean> {
  const { payload, requirement, wanted } = payment;
  const rows = await tx.query(INSERT, [
    ...[payment.hash, payment.keyId, payment.requestHash, payment.x402Version],
    ...[
      JSON.stringify(payload),
      JSON.stringify(requirement),
      JSON.stringify(wanted),
      payment.network,
      keptMs,
    ],
  ]);
  return rows.length > 0;
}

const SET_MONTH = statement(
  'public-api.setPaymentMonth',
  `update public_payments p set month = $2::date where p.hash = $1`,
);

/** Notes which month holds a place for what a payment buys. */
export async function setPaymentMonth(tx: Tx, hash: string, month: string): Promise<void> {
  await tx.query(SET_MONTH, [hash, month]);
}

const BEGIN_SETTLING = statement(
  'public-api.beginSettling',
  `update public_payments p set state = 'settling', is_uncertain = p.is_uncertain or p.state = 'settling',
     attempts = p.attempts + 1, due_at = clock_timestamp() + $2::float8 * interval '1 millisecond', updated_at = now()
   where p.hash = $1 and (p.state = 'verified' or (p.state = 'settling' and p.due_at <= clock_timestamp()))
   returning ${COLUMNS}`,
);

/**
 * Takes a payment up to settle it, for `leaseMs`: nobody else does meanwhile. An attempt that was begun and of which
 * nothing was recorded may have gone through. Null when somebody else is at it, or there is nothing to settle.
 */
export async function beginSettling(db: Db, hash: string, leaseMs: number): Promise<Payment | null> {
  return (await db.query(BEGIN_SETTLING, [hash, leaseMs])).map(paymentFromRow)[0] ?? null;
}

const MARK_SETTLED = statement(
  'public-api.markSettled',
  `update public_payments p set state = 'settled', settlement = $2, transaction = $3, reason = '',
     due_at = clock_timestamp() + $4::float8 * interval '1 millisecond', updated_at = now()
   where p.hash = $1 and p.state = 'settling'`,
);

/** Throws 23505 when the transaction has paid for something else. */
export async function markSettled(
  db: Db,
  hash: string,
  { settlement, transaction }: { readonly settlement: JsonObject; readonly transaction: string },
  leaseMs: number,
): Promise<void> {
  await db.query(MARK_SETTLED, [hash, JSON.stringify(settlement), transaction, leaseMs]);
}

const MARK_FAILED = statement(
  'public-api.markPaymentFailed',
  `update public_payments p set state = 'failed', reason = $2, wanted = null, updated_at = now()
   where p.hash = $1 and p.state = $3 and ($4::integer is null or p.attempts = $4) returning ${COLUMNS}`,
);

/** Ends a payment of which nothing was taken; null when it is in another state, or in the hands of a later attempt. */
export async function markPaymentFailed(
  tx: Tx,
  hash: string,
  reason: string,
  from: { readonly state: 'verified' | 'settling'; readonly attempts?: number },
): Promise<Payment | null> {
  const rows = await tx.query(MARK_FAILED, [hash, reason, from.state, from.attempts ?? null]);
  return rows.map(paymentFromRow)[0] ?? null;
}

const MARK_OPEN = statement(
  'public-api.markPaymentOpen',
  `update public_payments p set state = case when $3 then 'settling' else 'verified' end, is_uncertain = $3, reason = $2,
     due_at = clock_timestamp() + $4::float8 * interval '1 millisecond', updated_at = now()
   where p.hash = $1 and p.state = 'settling' and p.attempts = $5`,
);

/** Ends an attempt that has decided nothing: the next one comes after `pauseMs`, or, if nothing was sent, when asked for. */
export async function markPaymentOpen(
  db: Db,
  { hash, attempts }: Pick<Payment, 'hash' | 'attempts'>,
  open: { readonly reason: string; readonly isUncertain: boolean; readonly pauseMs: number },
): Promise<void> {
  await db.query(MARK_OPEN, [hash, open.reason, open.isUncertain, open.pauseMs, attempts]);
}

const SET_JOB = statement(
  'public-api.setPaymentJob',
  `update public_payments p set job_id = $2, wanted = null, updated_at = now() where p.hash = $1`,
);

/** Writes down what a locked payment has bought. */
export async function setPaymentJob(tx: Tx, hash: string, jobId: string): Promise<void> {
  await tx.query(SET_JOB, [hash, jobId]);
}

const POSTPONE = statement(
  'public-api.postponePayment',
  `update public_payments p set due_at = clock_timestamp() + $2::float8 * interval '1 millisecond'
   where p.hash = $1 and p.due_at <= clock_timestamp()`,
);

/** Has a payment that could not be carried on looked at again later. */
export async function postponePayment(db: Db, hash: string, pauseMs: number): Promise<void> {
  await db.query(POSTPONE, [hash, pauseMs]);
}

const LIST_DUE = statement(
  'public-api.listDuePayments',
  `select ${COLUMNS} from public_payments p
   where p.state <> 'failed' and p.job_id is null and p.due_at <= now() order by p.due_at limit $1`,
);

/** Payments that nobody carries on, longest due first. */
export async function listDuePayments(db: Db, limit: number): Promise<Payment[]> {
  return (await db.query(LIST_DUE, [limit])).map(paymentFromRow);
}

const PRUNE = statement(
  'public-api.prunePayments',
  `delete from public_payments p where p.hash in (
     select o.hash from public_payments o
     where (o.state = 'failed' or o.job_id is not null) and o.updated_at < now() - $1::float8 * interval '1 day'
     order by o.updated_at limit $2 for update skip locked)`,
);

/** Deletes payments that have been over for so many days. */
export async function prunePayments(db: Db, days: number, limit: number): Promise<void> {
  await db.query(PRUNE, [days, limit]);
}
