import { type Db } from '../../platform/database/database.js';
import { integer, onlyRow, text } from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';

const OPEN_HERE = statement(
  'services.openHere',
  `select s.service_id from services s
   where s.open_at <= clock_timestamp() and exists (
     select from service_assignments a
     where a.service_id = s.service_id and a.host_id = $1 and a.stopping_at is null
       and (a.retry_at <= clock_timestamp() or a.generation <> s.generation))
   order by s.created_at, s.service_id collate "C"`,
);

/** Services of which a host has a replica that has rested after a failure, or an outdated one; oldest first. */
export async function listOpenHere(db: Db, hostId: string): Promise<string[]> {
  return (await db.query(OPEN_HERE, [hostId])).map((row) => text(row, 'service_id'));
}

const PENDING_HERE = statement(
  'services.pendingHere',
  `select s.service_id from services s
   where s.service_id in (
     select a.service_id from service_assignments a
     where a.host_id = $1 and a.stopping_at is null and a.status = 'pending')
   order by s.created_at, s.service_id collate "C"`,
);

/** Services of which a host has a replica that waits to be started, oldest first. */
export async function listPendingHere(db: Db, hostId: string): Promise<string[]> {
  return (await db.query(PENDING_HERE, [hostId])).map((row) => text(row, 'service_id'));
}

const OPEN = statement(
  'services.open',
  `select s.service_id from services s
   join service_generations g on g.service_id = s.service_id and g.generation = s.generation
   where s.open_at <= clock_timestamp() and g.spec -> 'requiredCapabilities' <@ to_jsonb($2::text[])
     and (g.spec ->> 'maxPerHost')::integer > (
       select count(distinct a.slot) from service_assignments a
       where a.service_id = s.service_id and a.host_id = $1 and a.stopping_at is null)
   order by s.created_at, s.service_id collate "C"`,
);

/**
 * Services of which a host with these capabilities may be offered one replica more, oldest first. Those of which it has as
 * many as it may are left out here already: they can be short for ever, and would be read with every poll.
 */
export async function listOpen(db: Db, hostId: string, capabilities: readonly string[]): Promise<string[]> {
  return (await db.query(OPEN, [hostId, capabilities])).map((row) => text(row, 'service_id'));
}

const OF_HOST = statement(
  'services.ofHost',
  `select distinct a.service_id, s.created_at from service_assignments a join services s on s.service_id = a.service_id
   where a.host_id = $1 order by s.created_at, a.service_id`,
);

/** Services of which a host holds something, or may still run what must end; oldest first. */
export async function listServicesOfHost(db: Db, hostId: string): Promise<string[]> {
  return (await db.query(OF_HOST, [hostId])).map((row) => text(row, 'service_id'));
}

const COUNT = statement(
  'services.countOfHost',
  `select count(*) as held from service_assignments a
   where a.host_id = $1 and a.status <> 'failed' and not a.is_lost`,
);

/** Processes that a host has and that are not known to have ended. */
export async function countOfHost(db: Db, hostId: string): Promise<number> {
  return integer(onlyRow(await db.query(COUNT, [hostId])), 'held');
}

const HOLDERS = statement('services.holders', 'select distinct a.host_id from service_assignments a');

/** The hosts that hold something, or may still run what must end. */
export async function listHolders(db: Db): Promise<string[]> {
  return (await db.query(HOLDERS)).map((row) => text(row, 'host_id'));
}

const DUE = statement(
  'services.due',
  `select s.service_id from services s where s.due_at <= clock_timestamp()
   union
   select a.service_id from service_assignments a where a.host_id = any($1::text[]) and a.stopping_at is null`,
);

/** Services that are due to be looked at, and those of which one of the hosts holds something that counts. */
export async function listDueServices(db: Db, hostIds: readonly string[]): Promise<string[]> {
  return (await db.query(DUE, [hostIds])).map((row) => text(row, 'service_id'));
}

const NEXT_DUE = statement(
  'services.nextDue',
  `select ceil(extract(epoch from min(s.due_at) - clock_timestamp()) * 1000)::float8 as in_ms
   from services s where s.due_at is not null`,
);

/** Milliseconds until a service is due; null when none will be. */
export async function msUntilNextDue(db: Db): Promise<number | null> {
  const inMs = onlyRow(await db.query(NEXT_DUE))['in_ms'];
  return typeof inMs === 'number' ? inMs : null;
}

const FORGET = statement(
  'services.forgetEnding',
  `delete from service_assignments a
   where a.stopping_at is not null and (
     a.host_id = any($1::text[])
     or a.stopping_at < now() - (case when a.is_lost then $3::float8 else $2::float8 end) * interval '1 millisecond')`,
);

/** Forgets processes that were told to end so long ago that they must have, and those of hosts that no longer exist. */
export async function forgetEnding(
  db: Db,
  {
    goneHosts,
    afterMs,
    lostAfterMs,
  }: { readonly goneHosts: readonly string[]; readonly afterMs: number; readonly lostAfterMs: number },
): Promise<void> {
  await db.query(FORGET, [goneHosts, afterMs, lostAfterMs]);
}

const PRUNE = statement(
  'services.prune',
  `delete from services s
   where s.deleted_at is not null
     and not exists (select from service_assignments a where a.service_id = s.service_id)`,
);

/** Forgets deleted services of which nothing is left. */
export async function pruneDeleted(db: Db): Promise<void> {
  await db.query(PRUNE);
}

const ANY_HELD = statement(
  'services.anyHeld',
  'select distinct a.host_id from service_assignments a where a.host_id = any($1::text[])',
);

/** Those of the hosts that hold something, or may still run what must end. */
export async function listHoldersAmong(db: Db, hostIds: readonly string[]): Promise<string[]> {
  return (await db.query(ANY_HELD, [hostIds])).map((row) => text(row, 'host_id'));
}
