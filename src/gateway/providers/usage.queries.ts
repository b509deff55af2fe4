import { type Db, type Tx } from '../../platform/database/database.js';
import { type Instant, instant, integer, type Row, text } from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';

/** What was asked of a provider in a UTC day. */
export interface DayUsage {
  readonly provider: string;
  readonly day: string;
  readonly requests: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** The same as it was at a certain time. */
export interface UsageSnapshot extends DayUsage {
  readonly takenAt: Instant;
}

const COLUMNS = `u.provider, u.day::text as day, u.requests, u.input_tokens, u.output_tokens`;

const dayUsageFromRow = (row: Row): DayUsage => ({
  provider: text(row, 'provider'),
  day: text(row, 'day'),
  requests: integer(row, 'requests'),
  inputTokens: integer(row, 'input_tokens'),
  outputTokens: integer(row, 'output_tokens'),
});

const TAKE = statement(
  'providers.takeSnapshot',
  `insert into gateway.provider_usage_snapshots (provider, day, requests, input_tokens, output_tokens)
   select u.provider, u.day, u.requests, u.input_tokens, u.output_tokens from gateway.provider_usage u
   where u.day = $1::date returning provider`,
);

/** Keeps the usage of a day as it is now. Returns how many providers were used. */
export async function takeSnapshot(tx: Tx, day: string): Promise<number> {
  return (await tx.query(TAKE, [day])).length;
}

const PRUNE_DAYS = statement(
  'providers.pruneUsage',
  'delete from gateway.provider_usage u where u.day < $1::date returning u.provider',
);
const PRUNE_SNAPSHOTS = statement(
  'providers.pruneSnapshots',
  'delete from gateway.provider_usage_snapshots s where s.day < $1::date returning s.id',
);

/** Forgets days before `day`. Returns how many rows went. */
export async function pruneUsage(tx: Tx, day: string): Promise<number> {
  return (await tx.query(PRUNE_DAYS, [day])).length;
}

/** Forgets snapshots of days before `day`. Returns how many went. */
export async function pruneSnapshots(tx: Tx, day: string): Promise<number> {
  return (await tx.query(PRUNE_SNAPSHOTS, [day])).length;
}

const LIST_DAYS = statement(
  'providers.listDays',
  `select ${COLUMNS} from gateway.provider_usage u where u.day >= $1::date
   order by u.day desc, u.provider limit 1000`,
);

/** The days from `day` on, newest first. */
export async function listDays(db: Db, day: string): Promise<DayUsage[]> {
  return (await db.query(LIST_DAYS, [day])).map(dayUsageFromRow);
}

const LIST_SNAPSHOTS = statement(
  'providers.listSnapshots',
  `select ${COLUMNS}, u.taken_at from gateway.provider_usage_snapshots u where u.day >= $1::date
   order by u.taken_at desc, u.provider limit 1000`,
);

/** The snapshots of days from `day` on, newest first. */
export async function listSnapshots(db: Db, day: string): Promise<UsageSnapshot[]> {
  return (await db.query(LIST_SNAPSHOTS, [day])).map((row) => ({
    ...dayUsageFromRow(row),
    takenAt: instant(row, 'taken_at'),
  }));
}
