import { type Db, type Tx } from '../../../platform/database/database.js';
import { flag, integer, onlyRow, text } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';

/** The tasks of a host `id` whose leases run. */
const liveLeases = (id: string) =>
  `(select count(*) from tasks t where t.holder = 'host' and t.locked_by = ${id} and t.lease_expires_at > now())`;

/**
 * How many more tasks each of the hosts `h` of a condition may hold, as CTEs that lock their rows in `host_slots` and then
 * count: what others have claimed for the same host before they gave up the lock is seen.
 */
export const roomsOf = (condition: string): string => `
   slots_of_hosts as materialized (
     select h.host_id, h.max_parallel from host_slots h where ${condition} order by h.host_id for no key update
   ), rooms as materialized (
     select h.host_id, h.max_parallel - coalesce(l.leases, 0) as room
     from slots_of_hosts h
     left join live_leases((select array_agg(host_id) from slots_of_hosts)) l on l.host_id = h.host_id
   )`;

/** The same for the hosts of $7 that may be given work. Locks nothing when there are no `turns`. */
export const ROOMS = roomsOf(
  'h.host_id = any($7::text[]) and h.is_open and exists (select from turns p where p.nth > 0)',
);

const HAS_ROOM = statement(
  'ledger.hostHasRoom',
  `select exists (
     select from host_slots h where h.host_id = $1 and h.is_open and h.max_parallel > ${liveLeases('h.host_id')}
   ) as has_room`,
);

/** Whether a claim of a host could take a task: it may be given any, and holds fewer than it may. */
export async function hasRoom(db: Db, hostId: string): Promise<boolean> {
  return flag(onlyRow(await db.query(HAS_ROOM, [hostId])), 'has_room');
}

const SET = statement(
  'ledger.setHostSlots',
  `insert into host_slots as h (host_id, max_parallel, is_open) values ($1, $2, $3)
   on conflict (host_id) do update set max_parallel = excluded.max_parallel, is_open = excluded.is_open
   where (h.max_parallel, h.is_open) <> (excluded.max_parallel, excluded.is_open)`,
);

export async function setHostSlots(
  tx: Tx,
  hostId: string,
  { maxParallel, isOpen }: { readonly maxParallel: number; readonly isOpen: boolean },
): Promise<void> {
  await tx.query(SET, [hostId, maxParallel, isOpen]);
}

const DROP = statement('ledger.dropHostSlots', 'delete from host_slots h where h.host_id = any($1::text[])');

export async function dropHostSlots(db: Db, hostIds: readonly string[]): Promise<void> {
  await db.query(DROP, [hostIds]);
}

const COUNT = statement(
  'ledger.liveLeases',
  `select ids.id, ${liveLeases('ids.id')} as leases from unnest($1::text[]) ids(id)`,
);

/** How many tasks each host holds whose lease has not run out. */
export async function countLiveLeases(
  db: Db,
  hostIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await db.query(COUNT, [hostIds]);
  return new Map(rows.map((row) => [text(row, 'id'), integer(row, 'leases')]));
}
