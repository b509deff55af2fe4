import { type Db, type Tx } from '../../platform/database/database.js';
import { integer, text } from '../../platform/database/row.js';
import { onlyRow } from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';
import { THIS_MONTH } from './keys.queries.js';

const COUNT_REQUESTS = statement(
  'public-api.countRequests',
  `insert into public_rates as r (key_id, minute, requests)
   select u.key_id, date_trunc('minute', now()), u.requests
   from unnest($1::text[], $2::bigint[]) as u(key_id, requests) order by u.key_id
   on conflict (key_id, minute) do update set requests = r.requests + excluded.requests
   returning r.key_id, r.requests,
     ceil(extract(epoch from r.minute + interval '1 minute' - now()))::int as seconds_left`,
);

export interface RequestsOfKey {
  readonly keyId: string;
  /** All of this minute, these included. */
  readonly requests: number;
  /** Until the minute is over. */
  readonly secondsLeft: number;
}

/** Adds requests to the counts of this minute. */
export async function countRequests(db: Db, requests: ReadonlyMap<string, number>): Promise<RequestsOfKey[]> {
  const rows = await db.query(COUNT_REQUESTS, [[...requests.keys()], [...requests.values()]]);
  return rows.map((row) => ({
    keyId: text(row, 'key_id'),
    requests: integer(row, 'requests'),
    secondsLeft: Math.max(1, integer(row, 'seconds_left')),
  }));
}

const COUNT_JOB = statement(
  'public-api.countJob',
  `insert into public_months as m (key_id, month, jobs)
   select $1, ${THIS_MONTH}, 1 where $2::bigint is null or $2::bigint > 0
   on conflict (key_id, month) do update set jobs = m.jobs + 1 where $2::bigint is null or m.jobs < $2::bigint
   returning m.month::text as month`,
);

/**
 * Takes one place of a key's month; the month, or null when it is used up. Others of the same key wait until the
 * transaction ends, so this comes last in it.
 */
export async function takeMonthlyPlace(tx: Tx, keyId: string, most: number | null): Promise<string | null> {
  const [row] = await tx.query(COUNT_JOB, [keyId, most]);
  return row === undefined ? null : text(row, 'month');
}

const GIVE_BACK = statement(
  'public-api.giveBackPlace',
  `update public_months m set jobs = m.jobs - 1 where m.key_id = $1 and m.month = $2::date and m.jobs > 0`,
);

/** Gives a place back that came to nothing. */
export async function giveBackMonthlyPlace(tx: Tx, keyId: string, month: string): Promise<void> {
  await tx.query(GIVE_BACK, [keyId, month]);
}

const MONTH_LEFT = statement(
  'public-api.secondsOfMonthLeft',
  `select ceil(extract(epoch from (${THIS_MONTH} + interval '1 month') at time zone 'utc' - now()))::int as seconds_left`,
);

/** Seconds until the next month begins. */
export async function secondsOfMonthLeft(db: Db): Promise<number> {
  return Math.max(1, integer(onlyRow(await db.query(MONTH_LEFT)), 'seconds_left'));
}

const PRUNE_RATES = statement(
  'public-api.pruneRates',
  `delete from public_rates r where r.minute < now() - interval '5 minutes'`,
);
const PRUNE_MONTHS = statement(
  'public-api.pruneMonths',
  `delete from public_months m where m.month < ${THIS_MONTH} - interval '13 months'`,
);

/** Deletes counts of minutes and months that are long over. */
export async function pruneCounts(db: Db): Promise<void> {
  await db.query(PRUNE_RATES);
  await db.query(PRUNE_MONTHS);
}
