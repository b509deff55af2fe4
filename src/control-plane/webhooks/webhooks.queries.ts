import { type Db, type Tx } from '../../platform/database/database.js';
import {
  flag,
  instant,
  type Instant,
  instantOrNull,
  integer,
  onlyRow,
  type Row,
  text,
  textOrNull,
  texts,
} from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';
import { type Position } from '../events/index.js';

/** Why a webhook is not told anything: somebody said so, its receiver answered 410, or nothing arrived for days. */
export type DisabledReason = 'by-operator' | 'gone' | 'failing';

/** What an operator says of a webhook. */
export interface WebhookDefinition {
  readonly url: string;
  readonly description: string;
  readonly eventTypes: readonly string[];
  /** Null: of all projects. */
  readonly projectId: string | null;
}

export interface Webhook extends WebhookDefinition {
  readonly id: string;
  /** Null while it is enabled. */
  readonly disabledAt: Instant | null;
  readonly disabledReason: DisabledReason | null;
  readonly position: Position;
  readonly gapAt: Instant | null;
  readonly failingSince: Instant | null;
  /** Until when what is sent is signed by the secret before as well; null when it is not. */
  readonly previousSecretUntil: Instant | null;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

const COLUMNS = `w.webhook_id, w.url, w.description, w.event_types, w.project_id, w.disabled_at, w.disabled_reason,
   w.position_txid::text as position_txid, w.position_id, w.gap_at, w.failing_since,
   case when w.previous_secret_until > now() then w.previous_secret_until end as previous_secret_until,
   w.created_at, w.updated_at`;

const webhookFromRow = (row: Row): Webhook => ({
  id: text(row, 'webhook_id'),
  url: text(row, 'url'),
  description: text(row, 'description'),
  eventTypes: texts(row, 'event_types'),
  projectId: textOrNull(row, 'project_id'),
  disabledAt: instantOrNull(row, 'disabled_at'),
  disabledReason: textOrNull(row, 'disabled_reason') as DisabledReason | null,
  position: { txid: text(row, 'position_txid'), id: integer(row, 'position_id') },
  gapAt: instantOrNull(row, 'gap_at'),
  failingSince: instantOrNull(row, 'failing_since'),
  previousSecretUntil: instantOrNull(row, 'previous_secret_until'),
  createdAt: instant(row, 'created_at'),
  updatedAt: instant(row, 'updated_at'),
});

/** Serialises those who add one, so that there are never more than there may be. */
const LOCK_COUNT = statement('webhooks.lockCount', 'lock table webhooks in share row exclusive mode');
const COUNT = statement('webhooks.count', 'select count(*) as webhooks from webhooks');

/** How many there are. Nobody adds one before the commit. */
export async function lockCount(tx: Tx): Promise<number> {
  await tx.query(LOCK_COUNT);
  return integer(onlyRow(await tx.query(COUNT)), 'webhooks');
}

const INSERT = statement(
  'webhooks.insert',
  `insert into webhooks as w
     (webhook_id, url, description, event_types, project_id, sealed_secret, position_txid, position_id)
   values ($1, $2, $3, $4, $5, $6, $7::xid8, $8) returning ${COLUMNS}`,
);

export async function insertWebhook(
  tx: Tx,
  { id, sealedSecret, position }: Pick<Webhook, 'id' | 'position'> & { readonly sealedSecret: string },
  { url, description, eventTypes, projectId }: WebhookDefinition,
): Promise<Webhook> {
  const values = [id, url, description, eventTypes, projectId, sealedSecret, position.txid, position.id];
  return webhookFromRow(onlyRow(await tx.query(INSERT, values)));
}

const FIND = statement('webhooks.find', `select ${COLUMNS} from webhooks w where w.webhook_id = $1`);

export async function findWebhook(db: Db, id: string): Promise<Webhook | null> {
  return (await db.query(FIND, [id])).map(webhookFromRow)[0] ?? null;
}

const LOCK = statement(
  'webhooks.lock',
  `select ${COLUMNS} from webhooks w where w.webhook_id = $1 for no key update`,
);

/** Locks a webhook until the commit. */
export async function lockWebhook(tx: Tx, id: string): Promise<Webhook | null> {
  return (await tx.query(LOCK, [id])).map(webhookFromRow)[0] ?? null;
}

const LIST = statement(
  'webhooks.list',
  `select ${COLUMNS} from webhooks w where w.webhook_id > $1 order by w.webhook_id limit $2`,
);

/** Webhooks in the order in which they were made, after one. */
export async function listWebhooks(db: Db, afterId: string, limit: number): Promise<Webhook[]> {
  return (await db.query(LIST, [afterId, limit])).map(webhookFromRow);
}

const REDEFINE = statement(
  'webhooks.redefine',
  `update webhooks w set url = $2, description = $3, event_types = $4, project_id = $5,
     updated_at = clock_timestamp()
   where w.webhook_id = $1 returning ${COLUMNS}`,
);

/** Makes a locked webhook say this from now on. */
export async function redefineWebhook(tx: Tx, id: string, webhook: WebhookDefinition): Promise<Webhook> {
  const { url, description, eventTypes, projectId } = webhook;
  return webhookFromRow(onlyRow(await tx.query(REDEFINE, [id, url, description, eventTypes, projectId])));
}

const ENABLE = statement(
  'webhooks.enable',
  `update webhooks w set disabled_at = null, disabled_reason = null, failing_since = null,
     position_txid = $2::xid8, position_id = $3, updated_at = clock_timestamp()
   where w.webhook_id = $1 returning ${COLUMNS}`,
);

/** Lets a locked webhook be told what comes after `position`. */
export async function enableWebhook(tx: Tx, id: string, { txid, id: at }: Position): Promise<Webhook> {
  return webhookFromRow(onlyRow(await tx.query(ENABLE, [id, txid, at])));
}

const DISABLE = statement(
  'webhooks.disable',
  `update webhooks w set disabled_at = clock_timestamp(), disabled_reason = $2, updated_at = clock_timestamp()
   where w.webhook_id = $1 and w.disabled_at is null returning ${COLUMNS}`,
);

/** From now on it is told nothing. Null when there is none that is enabled. */
export async function disableWebhook(db: Db, id: string, reason: DisabledReason): Promise<Webhook | null> {
  return (await db.query(DISABLE, [id, reason])).map(webhookFromRow)[0] ?? null;
}

const DELETE = statement('webhooks.delete', 'delete from webhooks w where w.webhook_id = $1 returning 1');

/** Deletes a webhook with its deliveries; false when there is none. */
export async function deleteWebhook(tx: Tx, id: string): Promise<boolean> {
  return (await tx.query(DELETE, [id])).length > 0;
}

const ROTATE = statement(
  'webhooks.rotate',
  `update webhooks w set sealed_secret = $2,
     sealed_previous_secret = case when $3::float8 > 0 then w.sealed_secret end,
     previous_secret_until = case when $3::float8 > 0 then now() + $3::float8 * interval '1 second' end,
     updated_at = clock_timestamp()
   where w.webhook_id = $1 returning ${COLUMNS}`,
);

/** Gives a webhook another secret; the one before counts for so long. Null when there is none. */
export async function rotateSecret(
  db: Db,
  id: string,
  sealedSecret: string,
  overlapSeconds: number,
): Promise<Webhook | null> {
  return (await db.query(ROTATE, [id, sealedSecret, overlapSeconds])).map(webhookFromRow)[0] ?? null;
}

const LIST_FOLLOWING = statement(
  'webhooks.listFollowing',
  `select ${COLUMNS} from webhooks w
   where w.disabled_at is null and not exists (
     select from webhook_deliveries d where d.webhook_id = w.webhook_id and d.status = 'pending'
     order by d.due_at offset $1 limit 1)
   order by w.webhook_id`,
);

/**
 * The webhooks for which the log is read on: enabled ones with no more than `maxPending` deliveries to make. There are as
 * many as the setting lets there be.
 */
export async function listFollowing(db: Db, maxPending: number): Promise<Webhook[]> {
  return (await db.query(LIST_FOLLOWING, [maxPending])).map(webhookFromRow);
}

const MOVE = statement(
  'webhooks.move',
  `update webhooks w set position_txid = $4::xid8, position_id = $5,
     gap_at = case when $6::boolean then clock_timestamp() else w.gap_at end
   where w.webhook_id = $1 and w.disabled_at is null and w.updated_at = $7
     and w.position_txid = $2::xid8 and w.position_id = $3
   returning 1`,
);

/**
 * Moves a webhook's position on, unless it has been changed or moved since it was read; false then. The row is locked
 * until the commit.
 */
export async function moveOn(
  tx: Tx,
  { id, position, updatedAt }: Pick<Webhook, 'id' | 'position' | 'updatedAt'>,
  to: Position,
  hasGap: boolean,
): Promise<boolean> {
  const values = [id, position.txid, position.id, to.txid, to.id, hasGap, updatedAt];
  return (await tx.query(MOVE, values)).length > 0;
}

const SECRETS = statement(
  'webhooks.secrets',
  `select w.url, w.sealed_secret,
     case when w.previous_secret_until > now() then w.sealed_previous_secret end as sealed_previous_secret
   from webhooks w where w.webhook_id = $1 and w.disabled_at is null`,
);

/** Where a webhook is and what signs for it; null when it is gone or disabled. */
export async function findTarget(
  db: Db,
  id: string,
): Promise<{ readonly url: string; readonly sealedSecrets: readonly string[] } | null> {
  const [row] = await db.query(SECRETS, [id]);
  if (row === undefined) return null;
  const previous = textOrNull(row, 'sealed_previous_secret');
  return {
    url: text(row, 'url'),
    sealedSecrets: [text(row, 'sealed_secret'), ...(previous === null ? [] : [previous])],
  };
}

const FORGET_PREVIOUS = statement(
  'webhooks.forgetPrevious',
  `update webhooks w set sealed_previous_secret = null, previous_secret_until = null
   where w.previous_secret_until < now()`,
);

/** Deletes secrets whose time is over. */
export async function forgetPreviousSecrets(db: Db): Promise<void> {
  await db.query(FORGET_PREVIOUS);
}

const SUCCEEDED = statement(
  'webhooks.noteSuccess',
  'update webhooks w set failing_since = null where w.webhook_id = $1 and w.failing_since is not null',
);

/** Notes that a webhook has been reached. Writes only when that is news. */
export async function noteSuccess(tx: Tx, id: string): Promise<void> {
  await tx.query(SUCCEEDED, [id]);
}

const FAILED = statement(
  'webhooks.noteFailure',
  'update webhooks w set failing_since = clock_timestamp() where w.webhook_id = $1 and w.failing_since is null',
);
const FAILING_FOR = statement(
  'webhooks.failingFor',
  `select exists (
     select from webhooks w
     where w.webhook_id = $1 and w.failing_since < now() - $2::float8 * interval '1 day') as is_so`,
);

/** Notes that a webhook could not be reached, and says whether that has been so for `days`. Writes only news. */
export async function noteFailure(tx: Tx, id: string, days: number): Promise<boolean> {
  await tx.query(FAILED, [id]);
  return flag(onlyRow(await tx.query(FAILING_FOR, [id, days])), 'is_so');
}
