import { type Db, type Tx } from '../../../platform/database/database.js';
import { flag, integer, text, texts } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { type Contender, type Held } from '../domain/concurrency.js';
import { GATE } from '../domain/gate.js';

const COUNT_HELD = statement(
  'ledger.countHeld',
  `select h.key, count(*) as held from concurrency_holds h
   where h.project_id = $1 and h.key = any($2::text[]) group by h.key`,
);

/** How many tasks of each key are held. To decide by it, the caller holds the project's lock. */
export async function countHeld(db: Db, projectId: string, keys: readonly string[]): Promise<Held> {
  if (keys.length === 0) return new Map();
  const rows = await db.query(COUNT_HELD, [projectId, keys]);
  return new Map(rows.map((row) => [text(row, 'key'), integer(row, 'held')]));
}

/** The first tasks of a lane and limit of a key, up to the places that are left, without the tasks $4. */
const first = (gate: number) => `
       (select t.seq, t.rank from tasks t
        where t.gate = ${gate} and t.project_id = $1 and t.concurrency_key = g.key and t.lane = g.lane
          and t.concurrency_limit = g.lim and t.seq <> all($4::bigint[])
        order by t.rank, t.seq limit greatest(g.lim - g.held, 0))`;

const CONTENDERS = statement(
  'ledger.keyContenders',
  `with recursive keys as materialized (
     select k.key collate "C" as key, k.held from unnest($2::text[], $3::integer[]) k(key, held)
   ), groups(key, held, lane, lim) as (
     select k.key, k.held, g.lane, g.concurrency_limit from keys k cross join lateral (
       select t.lane, t.concurrency_limit from tasks t
       where t.gate = ${GATE.waitsForKey} and t.project_id = $1 and t.concurrency_key = k.key
       order by t.lane, t.concurrency_limit limit 1) g
     union all
     select g.key, g.held, n.lane, n.concurrency_limit from groups g cross join lateral (
       select t.lane, t.concurrency_limit from tasks t
       where t.gate = ${GATE.waitsForKey} and t.project_id = $1 and t.concurrency_key = g.key
         and (t.lane, t.concurrency_limit) > (g.lane, greatest(g.lim, g.held))
       order by t.lane, t.concurrency_limit limit 1) n
   )
   select g.key, g.lane, g.lim, c.seq, c.rank, c.is_parked from groups g cross join lateral (
     select p.seq, p.rank, true as is_parked from ${first(GATE.waitsForKey)} p
     union all
     select r.seq, r.rank, false from ${first(GATE.runnable)} r
   ) c where g.lim > g.held`,
);

/**
 * Those who want a place of keys that have some left: for each lane and limit in which somebody is parked the first of the
 * parked and the first of the runnable, as many of each as there are places, but none of the tasks `without`. Goes from
 * one lane and limit to the next along the index, past those whose limit is reached, however many wait in each.
 */
export async function findContenders(
  db: Db,
  projectId: string,
  { keys, held }: { readonly keys: readonly string[]; readonly held: Held },
  without: readonly number[] = [],
): Promise<Contender[]> {
  const counts = keys.map((key) => held.get(key) ?? 0);
  return (await db.query(CONTENDERS, [projectId, keys, counts, without])).map((row) => ({
    seq: integer(row, 'seq'),
    key: text(row, 'key'),
    limit: integer(row, 'lim'),
    lane: text(row, 'lane'),
    rank: integer(row, 'rank'),
    isParked: flag(row, 'is_parked'),
  }));
}

const PARK = statement(
  'ledger.parkForKey',
  `update tasks t set gate = ${GATE.waitsForKey}, version = t.version + 1, updated_at = now()
   where t.seq = any($1::bigint[]) and t.gate = ${GATE.runnable}`,
);

/** Parks runnable tasks whose keys are full. The caller holds the project's lock and the tasks. */
export async function parkForKey(tx: Tx, seqs: readonly number[]): Promise<void> {
  await tx.query(PARK, [seqs]);
}

const WAKE = statement(
  'ledger.wakeForKey',
  `with parked as materialized (
     select t.seq from tasks t where t.seq = any($1::bigint[]) and t.gate = ${GATE.waitsForKey}
     order by t.seq for no key update
   )
   update tasks t set gate = ${GATE.runnable}, version = t.version + 1, updated_at = now()
   from parked p where t.seq = p.seq`,
);

/** Makes tasks runnable that are parked for their keys. */
export async function wakeForKey(tx: Tx, seqs: readonly number[]): Promise<void> {
  await tx.query(WAKE, [seqs]);
}

const DROP_HOLDS = statement(
  'ledger.dropHolds',
  'delete from concurrency_holds h where h.task_seq = any($1::bigint[])',
);

/** Gives up the places that tasks had. */
export async function dropHolds(tx: Tx, taskSeqs: readonly number[]): Promise<void> {
  await tx.query(DROP_HOLDS, [taskSeqs]);
}

const KEYS_WITH_PARKED = statement(
  'ledger.keysWithParked',
  `with recursive keys(project_id, key) as (
     (select t.project_id, t.concurrency_key from tasks t
      where t.gate = ${GATE.waitsForKey} and t.concurrency_key is not null
      order by t.project_id, t.concurrency_key limit 1)
     union all
     select n.project_id, n.concurrency_key from keys k cross join lateral (
       select t.project_id, t.concurrency_key from tasks t
       where t.gate = ${GATE.waitsForKey} and t.concurrency_key is not null
         and (t.project_id, t.concurrency_key) > (k.project_id, k.key)
       order by t.project_id, t.concurrency_key limit 1) n
   )
   select k.project_id, array_agg(k.key) as keys from keys k group by k.project_id order by k.project_id`,
);

/** The keys for which somebody is parked, by project. */
export async function findKeysWithParked(
  db: Db,
): Promise<{ readonly projectId: string; readonly keys: readonly string[] }[]> {
  const rows = await db.query(KEYS_WITH_PARKED);
  return rows.map((row) => ({ projectId: text(row, 'project_id'), keys: texts(row, 'keys') }));
}

/** The texts of the statements above, for those who want to see their plans. */
export const KEY_SQL = { COUNT_HELD, CONTENDERS, KEYS_WITH_PARKED } as const;
