import { type Db } from '../../../platform/database/database.js';
import { flag, type Row, text } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';

/** A gateway that was asked to take nothing new. */
export interface StoredSuspension {
  /** The name of the wish. */
  readonly requestId: string;
  /** What the gateway calls what it has granted; empty until it has. */
  readonly suspensionId: string;
}

const ASK = statement(
  'gatewayClient.askForSuspension',
  `insert into openclaw_suspensions as s (gateway_id, request_id) values ($1, $2)
   on conflict (gateway_id) do update set asked_at = now()
     where s.asked_at < now() - $3::float8 * interval '1 millisecond'
   returning s.request_id, s.suspension_id`,
);

/** Notes that it is asked, the first time by a new name. Null when somebody has asked less than `everyMs` ago. */
export async function askForSuspension(
  db: Db,
  gatewayId: string,
  { requestId, everyMs }: { readonly requestId: string; readonly everyMs: number },
): Promise<StoredSuspension | null> {
  return (await db.query(ASK, [gatewayId, requestId, everyMs])).map(suspensionFromRow)[0] ?? null;
}

const FIND = statement(
  'gatewayClient.findSuspension',
  'select s.request_id, s.suspension_id from openclaw_suspensions s where s.gateway_id = $1',
);

export async function findSuspension(db: Db, gatewayId: string): Promise<StoredSuspension | null> {
  return (await db.query(FIND, [gatewayId])).map(suspensionFromRow)[0] ?? null;
}

const GRANT = statement(
  'gatewayClient.noteSuspension',
  `with before as (select s.is_idle from openclaw_suspensions s where s.gateway_id = $1)
   update openclaw_suspensions s set suspension_id = $2, is_idle = $3 where s.gateway_id = $1
   returning coalesce((select b.is_idle from before b), false) as was_idle`,
);

/** Notes what the gateway has granted, and whether it is idle. Returns whether that it is idle is new. */
export async function noteSuspension(
  db: Db,
  gatewayId: string,
  { suspensionId, isIdle }: { readonly suspensionId: string; readonly isIdle: boolean },
): Promise<boolean> {
  const rows = await db.query(GRANT, [gatewayId, suspensionId, isIdle]);
  return isIdle && rows.some((row) => !flag(row, 'was_idle'));
}

const FORGET = statement(
  'gatewayClient.forgetSuspension',
  'delete from openclaw_suspensions where gateway_id = $1',
);

export async function forgetSuspension(db: Db, gatewayId: string): Promise<void> {
  await db.query(FORGET, [gatewayId]);
}

const LIST = statement('gatewayClient.listSuspended', 'select s.gateway_id from openclaw_suspensions s');

/** The gateways that were asked and not told that it is over. */
export async function listSuspended(db: Db): Promise<string[]> {
  return (await db.query(LIST, [])).map((row) => text(row, 'gateway_id'));
}

const suspensionFromRow = (row: Row): StoredSuspension => ({
  requestId: text(row, 'request_id'),
  suspensionId: text(row, 'suspension_id'),
});
