import { type Db } from '../../platform/database/database.js';
import { integer, real, text } from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';

const TAKE = statement(
  'rate-limits.take',
  `insert into client_rates as r (client, minute, requests)
   select u.client, date_trunc('minute', now()), u.requests
   from unnest($1::text[], $2::bigint[]) as u(client, requests) order by u.client
   on conflict (client, minute) do update set requests = r.requests + excluded.requests
   returning r.client, r.requests,
     (extract(epoch from r.minute + interval '1 minute' - now()) * 1000)::float8 as left_ms`,
);

/** What was taken of a client's minute. */
export interface Taken {
  readonly client: string;
  /** All of this minute, these included. */
  readonly requests: number;
  /** Milliseconds until the minute is over. */
  readonly leftMs: number;
}

/** Takes requests of this minute for clients, each named once. */
export async function takeRequests(db: Db, wanted: ReadonlyMap<string, number>): Promise<Taken[]> {
  const rows = await db.query(TAKE, [[...wanted.keys()], [...wanted.values()]]);
  return rows.map((row) => ({
    client: text(row, 'client'),
    requests: integer(row, 'requests'),
    leftMs: Math.max(0, real(row, 'left_ms')),
  }));
}

const PRUNE = statement(
  'rate-limits.prune',
  `delete from client_rates r where r.minute < now() - interval '5 minutes'`,
);

/** Forgets minutes that are long over. */
export async function pruneMinutes(db: Db): Promise<void> {
  await db.query(PRUNE);
}
