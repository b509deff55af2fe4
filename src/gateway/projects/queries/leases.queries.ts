import { type Db, type Tx } from '../../../platform/database/database.js';
import { integer, onlyRow, text } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { PROJECT_COLUMNS, projectFromRow, type StoredProject } from './project-row.js';

/**
 * Who works on a project: its lease. A process that has been silent for so long is taken for dead, and another goes on
 * where it was. Longer than any call that a step makes without renewing, so that nothing of a dead process is under way.
 */
export const LEASE_SECONDS = 15;

/** The proof that a project is worked on by whoever has it. */
export interface Held {
  readonly projectId: string;
  readonly holder: string;
}

const CLAIM = statement(
  'projects.claim',
  `with due as (
     select p.id from gateway.projects p
     where p.due_at <= now() and (p.held_until is null or p.held_until < now())
       and (p.status in ('ideation', 'planning', 'approved', 'coding', 'paused') or not p.settled)
       and (
         (p.status = 'cancelled' and not p.settled)
         or (p.status <> 'cancelled' and (p.bootstrap = 'pending' or (p.bootstrap = 'deferred' and $1)))
         or (p.status = 'planning' and p.plan is null)
         or p.status = 'coding'
         or (p.status = 'paused' and not p.settled))
     order by p.due_at limit $2
     for update skip locked
   )
   update gateway.projects p set holder = gen_random_uuid()::text, held_until = now() + interval '${LEASE_SECONDS} seconds'
   from due where p.id = due.id returning p.id, p.holder`,
);

/** Takes up to `limit` projects for which something is to be done. Those of others are skipped, never awaited. */
export async function claimProjects(db: Db, hasExecutor: boolean, limit: number): Promise<Held[]> {
  const rows = await db.query(CLAIM, [hasExecutor, limit]);
  return rows.map((row) => ({ projectId: text(row, 'id'), holder: text(row, 'holder') }));
}

const ANY_DUE = statement(
  'projects.anyDue',
  `select count(*) filter (where p.due_at <= now() and (p.held_until is null or p.held_until < now())
       and (not p.settled or p.bootstrap = 'pending' or (p.bootstrap = 'deferred' and $1)
         or (p.status = 'planning' and p.plan is null) or p.status = 'coding')) as due,
     count(*) filter (where p.status = 'approved' and p.bootstrap not in ('pending', 'deferred')) as queued
   from gateway.projects p
   where p.status in ('ideation', 'planning', 'approved', 'coding', 'paused') or not p.settled`,
);

/** Whether there may be something to claim, and something to admit. Reads only. */
export async function lookForWork(
  db: Db,
  hasExecutor: boolean,
): Promise<{ readonly due: number; readonly queued: number }> {
  const row = onlyRow(await db.query(ANY_DUE, [hasExecutor]));
  return { due: integer(row, 'due'), queued: integer(row, 'queued') };
}

const RENEW = statement(
  'projects.renew',
  `update gateway.projects p set held_until = now() + interval '${LEASE_SECONDS} seconds'
   where p.holder = any($1::text[]) returning p.id, p.version`,
);

/** Goes on holding. Returns the versions of those that are still held; the others are lost. */
export async function renewProjects(
  db: Db,
  holders: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await db.query(RENEW, [holders]);
  return new Map(rows.map((row) => [text(row, 'id'), integer(row, 'version')]));
}

const RELEASE = statement(
  'projects.release',
  `update gateway.projects p set holder = null, held_until = null,
     due_at = case when p.version = $3 then now() + $4 * interval '1 millisecond' else now() end
   where p.id = $1 and p.holder = $2`,
);

/** Lets others have a project after `restMs`; at once when somebody has changed it since `version`. */
export async function releaseProject(
  db: Db,
  { projectId, holder }: Held,
  version: number,
  restMs: number,
): Promise<void> {
  await db.query(RELEASE, [projectId, holder, version, restMs]);
}

const FIND_HELD = statement(
  'projects.findHeld',
  `select ${PROJECT_COLUMNS} from gateway.projects p where p.id = $1 and p.holder = $2`,
);

/** The project, as long as it is held; null when it is lost or gone. */
export async function findHeld(db: Db, { projectId, holder }: Held): Promise<StoredProject | null> {
  return (await db.query(FIND_HELD, [projectId, holder])).map(projectFromRow)[0] ?? null;
}

const LOCK_HELD = statement(
  'projects.lockHeld',
  `select ${PROJECT_COLUMNS} from gateway.projects p where p.id = $1 and p.holder = $2 for update`,
);

/** The same, locked. */
export async function lockHeld(tx: Tx, { projectId, holder }: Held): Promise<StoredProject | null> {
  return (await tx.query(LOCK_HELD, [projectId, holder])).map(projectFromRow)[0] ?? null;
}

/** Any fixed number: those who fill places take turns. */
const PLACES_LOCK = 7_205_061_114;
const LOCK_PLACES = statement('projects.lockPlaces', `select pg_advisory_xact_lock(${PLACES_LOCK})`);

const NEXT_QUEUED = statement(
  'projects.nextQueued',
  `select ${PROJECT_COLUMNS} from gateway.projects p
   where p.status = 'approved' and p.bootstrap not in ('pending', 'deferred')
     and (select count(*) from gateway.projects r where r.status = 'coding') < $1
   order by p.queued_at, p.id limit 1 for update`,
);

/** Nobody else fills places until the end of the transaction. */
export async function lockPlaces(tx: Tx): Promise<void> {
  await tx.query(LOCK_PLACES);
}

/** The project that has queued longest, locked, if fewer than `places` run. The caller has locked the places. */
export async function lockNextQueued(tx: Tx, places: number): Promise<StoredProject | null> {
  return (await tx.query(NEXT_QUEUED, [places])).map(projectFromRow)[0] ?? null;
}

const LONGEST_WAIT = statement(
  'projects.longestWait',
  `select coalesce(max(extract(epoch from now() - greatest(p.due_at, p.held_until)) * 1000), 0)::bigint as wait
   from gateway.projects p
   where (p.status in ('ideation', 'planning', 'approved', 'coding', 'paused') or not p.settled)
     and p.due_at <= now() and (p.held_until is null or p.held_until < now())
     and (not p.settled or p.bootstrap = 'pending' or (p.bootstrap = 'deferred' and $1)
       or (p.status = 'planning' and p.plan is null) or p.status = 'coding')`,
);

/** For how many milliseconds a project has been waiting for somebody to take it up, the longest of all; 0 when none does. */
export async function longestWaitMs(db: Db, hasExecutor: boolean): Promise<number> {
  return Math.max(0, integer(onlyRow(await db.query(LONGEST_WAIT, [hasExecutor])), 'wait'));
}
