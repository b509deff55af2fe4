import { type Db } from '../../platform/database/database.js';
import { onlyRow } from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';

const LOAD = statement(
  'auth.loadServerSecret',
  `with made as (
     insert into server_secrets (name, secret) values ($1, $2) on conflict (name) do nothing returning secret
   )
   select secret from made union all select secret from server_secrets where name = $1 limit 1`,
);

/** The secret of this name that all replicas share: `made`, when there is none yet. */
export async function loadServerSecret(db: Db, name: string, made: Buffer): Promise<Buffer> {
  const rows = await db.query(LOAD, [name, made]);
  // Somebody else may have stored one in the same moment, which this statement does not see yet.
  const row = rows[0] ?? onlyRow(await db.query(LOAD, [name, made]));
  return row['secret'] as Buffer;
}
