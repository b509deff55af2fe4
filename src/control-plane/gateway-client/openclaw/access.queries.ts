import { type Db } from '../../../platform/database/database.js';
import { flag, onlyRow, text, textOrNull, type Row } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';

/** How a gateway is got into, as it is stored: what is secret is sealed. */
export interface StoredAccess {
  readonly host: string;
  readonly sealedCredential: string | null;
  readonly credentialFile: string | null;
  readonly sealedDevice: string | null;
  readonly sealedDeviceToken: string | null;
  /** Whether it may still be coming up. */
  readonly isStarting: boolean;
}

const COLUMNS = `a.host, a.sealed_credential, a.credential_file, a.sealed_device, a.sealed_device_token,
  a.starting_until > now() as is_starting`;

const accessFromRow = (row: Row): StoredAccess => ({
  host: text(row, 'host'),
  sealedCredential: textOrNull(row, 'sealed_credential'),
  credentialFile: textOrNull(row, 'credential_file'),
  sealedDevice: textOrNull(row, 'sealed_device'),
  sealedDeviceToken: textOrNull(row, 'sealed_device_token'),
  isStarting: flag(row, 'is_starting'),
});

const FIND = statement(
  'gatewayClient.findAccess',
  `select ${COLUMNS} from openclaw_access a where a.gateway_id = $1`,
);

export async function findAccess(db: Db, gatewayId: string): Promise<StoredAccess | null> {
  return (await db.query(FIND, [gatewayId])).map(accessFromRow)[0] ?? null;
}

const KEPT = '(a.host = excluded.host)';

const SAVE = statement(
  'gatewayClient.saveAccess',
  `insert into openclaw_access as a
     (gateway_id, host, sealed_credential, credential_file, sealed_device, starting_until)
   values ($1, $2, $3, $4, $5, now() + $7::float8 * interval '1 millisecond')
   on conflict (gateway_id) do update set
     host = excluded.host,
     sealed_credential = case when $6::boolean or not ${KEPT} then excluded.sealed_credential else a.sealed_credential end,
     credential_file = case when $6::boolean or not ${KEPT} then excluded.credential_file else a.credential_file end,
     sealed_device = case when ${KEPT} then coalesce(a.sealed_device, excluded.sealed_device) else excluded.sealed_device end,
     sealed_device_token = case when ${KEPT} then a.sealed_device_token end,
     starting_until = excluded.starting_until
   returning ${COLUMNS}`,
);

/** Without `isGiven` the credential stays as it is. What was for another host is forgotten, device and token as well. */
export async function saveAccess(
  db: Db,
  gatewayId: string,
  access: Pick<StoredAccess, 'host' | 'sealedCredential' | 'credentialFile' | 'sealedDevice'> & {
    readonly isGiven: boolean;
    readonly startingMs: number;
  },
): Promise<StoredAccess> {
  const { host, sealedCredential, credentialFile, sealedDevice, isGiven, startingMs } = access;
  const values = [gatewayId, host, sealedCredential, credentialFile, sealedDevice, isGiven, startingMs];
  return accessFromRow(onlyRow(await db.query(SAVE, values)));
}

const KEEP_TOKEN = statement(
  'gatewayClient.keepDeviceToken',
  `update openclaw_access a set sealed_device_token = $3
   where a.gateway_id = $1 and a.host = $2`,
);

export async function keepDeviceToken(
  db: Db,
  { gatewayId, host }: { readonly gatewayId: string; readonly host: string },
  sealed: string,
): Promise<void> {
  await db.query(KEEP_TOKEN, [gatewayId, host, sealed]);
}

const EXPECT_BACK = statement(
  'gatewayClient.expectBack',
  `update openclaw_access a set starting_until = now() + $2::float8 * interval '1 millisecond' where a.gateway_id = $1`,
);

/** The gateway has said that it ends: it is given time to come up again. */
export async function expectBack(db: Db, gatewayId: string, startingMs: number): Promise<void> {
  await db.query(EXPECT_BACK, [gatewayId, startingMs]);
}

const FORGET = statement('gatewayClient.forgetAccess', 'delete from openclaw_access where gateway_id = $1');

export async function forgetAccess(db: Db, gatewayId: string): Promise<void> {
  await db.query(FORGET, [gatewayId]);
}
