import { type Db } from '../../platform/database/database.js';
import { statement } from '../../platform/database/statement.js';

const PING = statement('health.ping', 'select 1 as ok');

/** Asks the database for a sign of life. */
export async function ping(db: Db): Promise<void> {
  await db.query(PING);
}
