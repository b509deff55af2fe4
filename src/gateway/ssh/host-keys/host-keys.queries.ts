import { type Db } from '../../../platform/database/database.js';
import { onlyRow, text } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';

const FIND = statement(
  'gateway.findHostKey',
  'select k.public_key from gateway.ssh_host_keys k where k.host = $1 and k.port = $2',
);

/** The key that a host showed when it was first trusted; null when it never was. */
export async function findHostKey(db: Db, host: string, port: number): Promise<string | null> {
  return (await db.query(FIND, [host, port])).map((row) => text(row, 'public_key'))[0] ?? null;
}

const REMEMBER = statement(
  'gateway.rememberHostKey',
  `with added as (
     insert into gateway.ssh_host_keys (host, port, public_key) values ($1::text, $2::integer, $3::text)
     on conflict (host, port) do nothing returning public_key
   )
   select coalesce((select a.public_key from added a),
                   (select k.public_key from gateway.ssh_host_keys k where k.host = $1::text and k.port = $2::integer),
                   '') as public_key`,
);

/** Remembers the key of a host that has none yet. Returns the one that it has: another process may have been faster. */
export async function rememberHostKey(db: Db, host: string, port: number, key: string): Promise<string> {
  const row = onlyRow(await db.query(REMEMBER, [host, port, key]));
  // Empty when the other's row was not there yet for this statement's eyes.
  return text(row, 'public_key') || ((await findHostKey(db, host, port)) ?? '');
}
