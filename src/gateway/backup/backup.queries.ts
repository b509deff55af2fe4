import { type Database, type Tx } from '../../platform/database/database.js';
import { text } from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';

/** So many rows are in memory at once; one may have megabytes. */
const PORTION = 20;

const AT_ONE_MOMENT = statement(
  'backup.atOneMoment',
  'set transaction isolation level repeatable read, read only',
);
const LIST_TABLES = statement(
  'backup.listTables',
  `select t.tablename as name from pg_catalog.pg_tables t where t.schemaname = 'gateway' order by t.tablename`,
);
const FETCH = statement('backup.fetch', `fetch ${PORTION} from backup_rows`);
const CLOSE = statement('backup.close', 'close backup_rows');

/** Runs `work` in a transaction that sees the database as it was at one moment, and changes nothing. */
export function atOneMoment<T>(database: Database, work: (tx: Tx) => Promise<T>): Promise<T> {
  return database.transaction(async (tx) => {
    await tx.query(AT_ONE_MOMENT);
    return work(tx);
  });
}

/** The tables of the gateways, whoever owns them: a view across all of them. */
export async function listTables(tx: Tx): Promise<string[]> {
  return (await tx.query(LIST_TABLES)).map((row) => text(row, 'name'));
}

/** All rows of one of {@link listTables}, each as JSON text, one after the other. */
export async function* rowsOf(tx: Tx, table: string): AsyncGenerator<string> {
  await tx.query(openCursor(table));
  for (;;) {
    const rows = await tx.query(FETCH);
    for (const row of rows) yield text(row, 'row');
    if (rows.length < PORTION) break;
  }
  await tx.query(CLOSE);
}

/** The name comes from the catalogue of the database, and is what our migrations call it. */
function openCursor(table: string): ReturnType<typeof statement> {
  if (!/^[a-z_]+$/.test(table)) throw new Error(`Not a table of the gateway: ${table}`);
  return statement(
    `backup.open.${table}`,
    `declare backup_rows no scroll cursor for select row_to_json(t)::text as row from gateway.${table} t`,
  );
}
