import { type Db } from '../../platform/database/database.js';
import { integer, onlyRow } from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';

const COUNTS = statement(
  'registry.counts',
  'select (select count(*) from gateways) as gateways, (select count(*) from workers) as workers',
);

export async function countAll(db: Db): Promise<{ readonly gateways: number; readonly workers: number }> {
  const row = onlyRow(await db.query(COUNTS));
  return { gateways: integer(row, 'gateways'), workers: integer(row, 'workers') };
}
