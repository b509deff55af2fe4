import type pg from 'pg';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { Database } from './database.js';
import { DatabaseUnavailableError, isUnavailable } from './errors.js';
import { migrationsFolder, sqlMigrations } from './migrations.js';
import { wireTypes } from './wire-types.js';

export interface ConnectOptions {
  readonly url: string;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
  readonly poolSize: number;
  /** Whose migrations and bookkeeping table. */
  readonly program: 'control-plane' | 'gateway';
  /** Whether commits wait for the synchronous standbys, whatever the server's default is. */
  readonly waitsForStandbys?: boolean;
}

/** A caller waits so long for a connection before it hears that the database is not available. */
export const CONNECT_TIMEOUT_MS = 5_000;
/** No statement of ours takes this long; past it the way to the server is taken for dead. */
const QUERY_TIMEOUT_MS = 60_000;

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
    migrationsTableName: program === 'control-plane' ? 'migrations' : 'gateway_migrations',
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
    const rows = (await gate.query(`select name from ${table}`)) as { name: string }[];
    const known = new Set(dataSource.migrations.map((entry) => entry.name));
    return {
      applied: applied.map((entry) => entry.name),
      unknown: rows.map((row) => row.name).filter((name) => !known.has(name)),
    };
  } finally {
    if (gate.isTransactionActive) await gate.rollbackTransaction();
    await gate.release();
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
