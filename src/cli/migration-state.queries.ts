import { migrationsTable } from '../platform/database/connect.js';
import { flag, onlyRow, text, textOrNull } from '../platform/database/row.js';
import { type Asks } from '../platform/database/session.js';
import { statement } from '../platform/database/statement.js';

export type MigratingProgram = Parameters<typeof migrationsTable>[0];

/** A migration that a database has. */
export interface AppliedMigration {
  readonly name: string;
  /** Of its text at that time; null when nobody has said. */
  readonly checksum: string | null;
}

/** By their tables: the name of a table is no parameter, and checksums came later. */
const statementsOf = (program: MigratingProgram) => {
  const table = migrationsTable(program);
  return {
    find: statement(
      `migrations.find.${program}`,
      `select to_regclass('${table}') is not null as is_there, exists (
         select from pg_attribute a where a.attrelid = to_regclass('${table}') and a.attname = 'checksum'
       ) as has_checksums`,
    ),
    list: statement(
      `migrations.list.${program}`,
      `select m.name, m.checksum from ${table} m order by m.timestamp, m.name`,
    ),
    listOld: statement(
      `migrations.listOld.${program}`,
      `select m.name, null as checksum from ${table} m order by m.timestamp, m.name`,
    ),
  };
};

const STATEMENTS = { 'control-plane': statementsOf('control-plane'), gateway: statementsOf('gateway') };

/** The migrations that a database has of a program; null when the program was never there. */
export async function findApplied(
  session: Asks,
  program: MigratingProgram,
): Promise<AppliedMigration[] | null> {
  const { find, list, listOld } = STATEMENTS[program];
  const row = onlyRow(await session.query(find));
  if (!flag(row, 'is_there')) return null;
  const rows = await session.query(flag(row, 'has_checksums') ? list : listOld);
  return rows.map((applied) => ({ name: text(applied, 'name'), checksum: textOrNull(applied, 'checksum') }));
}
