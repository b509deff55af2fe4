import { migrationFiles, migrationsFolder } from '../platform/database/migrations.js';
import { type Asks } from '../platform/database/session.js';
import { findApplied, type MigratingProgram } from './migration-state.queries.js';

/** How the schema of a program in a database compares with this build. */
export interface MigrationState {
  readonly program: MigratingProgram;
  readonly applied: number;
  /** The last one that is applied. */
  readonly newest: string | null;
  /** Known to this build, and not applied. */
  readonly pending: readonly string[];
  /** Applied, and not known to this build. */
  readonly unknown: readonly string[];
  /** Applied with another text than this build has. */
  readonly changed: readonly string[];
}

/** Compares; null when the program was never in this database. Reads only. */
export async function migrationState(
  session: Asks,
  program: MigratingProgram,
): Promise<MigrationState | null> {
  const applied = await findApplied(session, program);
  if (applied === null) return null;
  const files = migrationFiles(migrationsFolder(program));
  const known = new Map(files.map(({ name, checksum }) => [name, checksum]));
  const names = new Set(applied.map(({ name }) => name));
  return {
    program,
    applied: applied.length,
    newest: applied.at(-1)?.name ?? null,
    pending: files.filter(({ name }) => !names.has(name)).map(({ name }) => name),
    unknown: applied.filter(({ name }) => !known.has(name)).map(({ name }) => name),
    changed: applied
      .filter(({ name, checksum }) => checksum !== null && known.has(name) && known.get(name) !== checksum)
      .map(({ name }) => name),
  };
}
