import type pg from 'pg';
import { DataSource, type DataSourceOptions, type QueryRunner } from 'typeorm';
import { Database } from './database.js';
import { DatabaseUnavailableError, isUnavailable } from './errors.js';
import { migrationFiles, migrationsFolder, sqlMigrations } from './migrations.js';
import { wireTypes } from './wire-types.js';

export interface ConnectOptions {
  readonly url: string;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
  readonly poolSize: number;
  /** Whose migrations and bookkeeping table. */
  readonly program: MigratingProgram;
  /** Whether commits wait for the synchronous standbys, whatever the server's default is. */
  readonly waitsForStandbys?: boolean;
}

/** A caller waits so long for a connection before it hears that the database is not available. */
export const CONNECT_TIMEOUT_MS = 5_000;
/** No statement of ours takes this long; past it the way to the server is taken for dead. */
const QUERY_TIMEOUT_MS = 60_000;

export type MigratingProgram = 'control-plane' | 'gateway';

/** Where it is written down which migrations of a program a database has. */
export const migrationsTable = (program: MigratingProgram): 'migrations' | 'gateway_migrations' =>
  program === 'control-plane' ? 'migrations' : 'gateway_migrations';

/** The options of the one `DataSource` a process has. TypeORM keeps the pool and runs the migrations. */
export function dataSourceOptions({
  url,
  applicationName,
  poolSize,
  program,
  waitsForStandbys = false,
}: ConnectOptions): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    applicationName,
    poolSize,
    connectTimeoutMS: CONNECT_TIMEOUT_MS,
    migrations: sqlMigrations(migrationsFolder(program)),
    migrationsTableName: migrationsTable(program),
    migrationsTransactionMode: 'each',
    entities: [],
    synchronize: false,
    logging: false,
    extra: {
      types: wireTypes,
      keepAlive: true,
      query_timeout: QUERY_TIMEOUT_MS,
      ...(waitsForStandbys ? { options: '-c synchronous_commit=on' } : {}),
    },
  };
}

/** Our statements on the pool of an initialised `DataSource`. */
export function databaseOf(dataSource: DataSource): Database {
  // TypeORM types its drivers without their pools; the Postgres driver's is `master`.
  return new Database((dataSource.driver as unknown as { master: pg.Pool }).master);
}

/** Any fixed number: all programs that migrate one database take the same lock. */
const MIGRATION_LOCK = 7_205_061_113;

export interface MigrationReport {
  readonly applied: readonly string[];
  /** Migrations that the database has and this build does not know: it was migrated by a newer release. */
  readonly unknown: readonly string[];
}

/**
 * Brings the schema up to date. Starters that race wait for each other on a transaction-level advisory lock, which is
 * held by a connection of its own and, unlike a session lock, is safe behind a pooler.
 */
export async function migrate(dataSource: DataSource): Promise<MigrationReport> {
  const gate = dataSource.createQueryRunner();
  try {
    await gate.startTransaction();
    await gate.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    const applied = await dataSource.runMigrations();
    const table = dataSource.options.migrationsTableName ?? 'migrations';
    const rows = (await gate.query(`select name, checksum from ${table}`)) as Applied[];
    const known = new Set(dataSource.migrations.map((entry) => entry.name));
    await rememberChecksums(gate, table, rows);
    await gate.commitTransaction();
    return {
      applied: applied.map((entry) => entry.name),
      unknown: rows.map((row) => row.name).filter((name) => !known.has(name)),
    };
  } finally {
    if (gate.isTransactionActive) await gate.rollbackTransaction();
    await gate.release();
  }
}

interface Applied {
  readonly name: string;
  readonly checksum: string | null;
}

/** Writes down what the text of each migration is of which nobody has said so yet. */
async function rememberChecksums(
  gate: QueryRunner,
  table: string,
  applied: readonly Applied[],
): Promise<void> {
  const unsaid = new Set(applied.filter(({ checksum }) => checksum === null).map(({ name }) => name));
  if (unsaid.size === 0) return;
  const program = table === migrationsTable('gateway') ? 'gateway' : 'control-plane';
  for (const { name, checksum } of migrationFiles(migrationsFolder(program))) {
    if (unsaid.has(name))
      await gate.query(`update ${table} set checksum = $2 where name = $1`, [name, checksum]);
  }
}

/** Opens the pool. Throws {@link DatabaseUnavailableError} when the server cannot be reached. */
export async function connect(options: ConnectOptions): Promise<DataSource> {
  const dataSource = new DataSource(dataSourceOptions(options));
  try {
    return await dataSource.initialize();
  } catch (error) {
    throw isUnavailable(error) ? new DatabaseUnavailableError(error) : error;
  }
}
