import { type Db, type Tx } from '../../platform/database/database.js';
import { onlyRow, text } from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';
import {
  ASSIGNMENT_COLUMNS,
  assignmentFromRow,
  assignmentRecord,
  ms,
  SERVICE_COLUMNS,
  serviceFromRow,
  SERVICES,
  serviceValues,
  type StoredService,
} from './deployment-row.js';
import { type Assignment, type Deployment, type Moment, type ServiceRecord } from './domain/deployment.js';
import { type ServiceSpec } from './domain/spec.js';

/** A deployment as it is stored. */
export interface StoredDeployment extends Deployment, StoredService {}

const FIND = statement(
  'services.find',
  `select ${SERVICE_COLUMNS} from ${SERVICES} where s.service_id = any($1::text[])`,
);
const ASSIGNMENTS = statement(
  'services.assignments',
  `select ${ASSIGNMENT_COLUMNS} from service_assignments a
   where a.service_id = any($1::text[])
   order by a.claimed_at, a.host_id collate "C", a.slot, a.generation`,
);

/** Services with their assignments, in the order of `ids`; unknown ones are left out, deleted ones are not. */
export async function listDeployments(db: Db, ids: readonly string[]): Promise<StoredDeployment[]> {
  if (ids.length === 0) return [];
  const services = new Map(
    (await db.query(FIND, [ids])).map(serviceFromRow).map((stored) => [stored.service.id, stored]),
  );
  const assignments = new Map<string, Assignment[]>();
  for (const row of await db.query(ASSIGNMENTS, [ids])) {
    const id = text(row, 'service_id');
    assignments.set(id, [...(assignments.get(id) ?? []), assignmentFromRow(row)]);
  }
  return ids.flatMap((id) => {
    const stored = services.get(id);
    return stored === undefined ? [] : [{ ...stored, assignments: assignments.get(id) ?? [] }];
  });
}

const LOCK_TEXT = 'select s.service_id from services s where s.service_id = $1 for no key update';
const LOCK = statement('services.lock', LOCK_TEXT);
const LOCK_FREE = statement('services.lockFree', `${LOCK_TEXT} skip locked`);

/**
 * Locks a service until the commit, and reads what others committed before. Null: there is none, or, with `skipLocked`,
 * somebody else has it locked.
 */
export async function lockDeployment(
  tx: Tx,
  id: string,
  { skipLocked }: { readonly skipLocked: boolean },
): Promise<StoredDeployment | null> {
  if ((await tx.query(skipLocked ? LOCK_FREE : LOCK, [id])).length === 0) return null;
  return (await listDeployments(tx, [id]))[0] ?? null;
}

const NOW = statement('services.now', `select ${ms('clock_timestamp()')} as now`);

/** The time by the clock that decides. */
export async function currentTime(db: Db): Promise<Moment> {
  return Math.floor(Number(onlyRow(await db.query(NOW))['now']));
}

const LIST = statement(
  'services.list',
  `select s.service_id from services s
   where s.deleted_at is null
     and ($1::timestamptz is null or (s.created_at, s.service_id collate "C") > ($1, $2::text collate "C"))
   order by s.created_at, s.service_id collate "C" limit $3`,
);

/** The ids of services that are not deleted, oldest first; those after `after` if given. */
export async function listServiceIds(
  db: Db,
  after: Pick<ServiceRecord, 'createdAt' | 'id'> | null,
  limit: number,
): Promise<string[]> {
  const at = after === null ? null : new Date(after.createdAt).toISOString();
  return (await db.query(LIST, [at, after?.id ?? null, limit])).map((row) => text(row, 'service_id'));
}

const NAME_TAKEN = statement(
  'services.nameTaken',
  `select from services s where s.deleted_at is null and s.name = $1 and s.service_id <> $2 limit 1`,
);

/** Whether a service of another id, stopped ones included, has a name. */
export async function isNameTaken(tx: Tx, name: string, id: string): Promise<boolean> {
  return (await tx.query(NAME_TAKEN, [name, id])).length > 0;
}

const ROUTING_VERSION = statement(
  'services.routingVersion',
  `select md5(coalesce(string_agg(r.line, E'\\n' order by r.line collate "C"), '')) as version
   from (
     select concat_ws(E'\\t', s.service_id, s.name, g.spec ->> 'healthPath', s.stopped_at is not null,
       (select string_agg(concat_ws(' ', a.host_id, a.slot, a.generation, a.endpoint), ',' order by a.host_id, a.slot, a.generation)
        from service_assignments a
        where a.service_id = s.service_id and a.status = 'running' and a.stopping_at is null)) as line
     from services s join service_generations g on g.service_id = s.service_id and g.generation = s.generation
     where s.deleted_at is null
   ) r`,
);

/** A text that differs when anything differs by which requests are routed to services. */
export async function routingVersion(db: Db): Promise<string> {
  return text(onlyRow(await db.query(ROUTING_VERSION)), 'version');
}

const INSERT = statement(
  'services.insert',
  `insert into services (service_id, name, replicas, generation, newest_generation, fallback_generation, has_run,
     rollout_state, rollout_reason, rollout_failures, rollout_started_at, rollout_progress_at, rollout_finished_at,
     stopped_at, deleted_at, open_at, due_at, created_at, updated_at, updated_by, version)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
   on conflict do nothing returning service_id`,
);

/** False when the id is taken, or the name by a service that lives. */
export async function insertService(tx: Tx, stored: StoredService): Promise<boolean> {
  if ((await tx.query(INSERT, serviceValues(stored))).length === 0) return false;
  const { id, generation, spec } = stored.service;
  await addGeneration(tx, id, generation, spec);
  return true;
}

const UPDATE = statement(
  'services.update',
  `update services s set name = $2, replicas = $3, generation = $4, newest_generation = $5, fallback_generation = $6,
     has_run = $7, rollout_state = $8, rollout_reason = $9, rollout_failures = $10, rollout_started_at = $11,
     rollout_progress_at = $12, rollout_finished_at = $13, stopped_at = $14, deleted_at = $15, open_at = $16,
     due_at = $17, created_at = $18, updated_at = $19, updated_by = $20, version = $21
   where s.service_id = $1 returning s.service_id`,
);

/** Writes a locked service. Throws a unique violation (23505) when its name belongs to another that lives. */
export async function updateService(tx: Tx, stored: StoredService): Promise<void> {
  onlyRow(await tx.query(UPDATE, serviceValues(stored)));
}

/** Generations of a service that are kept beside the one that runs and the one to go back to. */
const KEPT_GENERATIONS = 10;

const ADD_GENERATION = statement(
  'services.addGeneration',
  `with old as (
     delete from service_generations g using services s
     where g.service_id = $1 and s.service_id = $1 and g.generation <= $2 - ${KEPT_GENERATIONS}
       and g.generation <> s.generation and g.generation is distinct from s.fallback_generation
   )
   insert into service_generations (service_id, generation, spec) values ($1, $2, $3)`,
);

/** Keeps what a new generation of a locked service runs, and forgets the oldest ones. */
export async function addGeneration(
  tx: Tx,
  id: string,
  generation: number,
  spec: ServiceSpec,
): Promise<void> {
  await tx.query(ADD_GENERATION, [id, generation, JSON.stringify(spec)]);
}

const DELETE_ASSIGNMENTS = statement(
  'services.deleteAssignments',
  `delete from service_assignments a
   using jsonb_to_recordset($2::jsonb) as gone (host_id text, slot integer, generation integer)
   where a.service_id = $1 and a.host_id = gone.host_id and a.slot = gone.slot and a.generation = gone.generation`,
);

/** Forgets assignments of a locked service. */
export async function deleteAssignments(tx: Tx, id: string, rows: readonly Assignment[]): Promise<void> {
  const places = rows.map((row) => assignmentRecord(id, row));
  await tx.query(DELETE_ASSIGNMENTS, [id, JSON.stringify(places)]);
}

const PUT_ASSIGNMENTS = statement(
  'services.putAssignments',
  `insert into service_assignments (service_id, host_id, slot, generation, status, endpoint, error, claimed_at, started_at,
     updated_at, restarts, failures, retry_at, stopping_at, is_lost)
   select r.service_id, r.host_id, r.slot, r.generation, r.status, r.endpoint, r.error, r.claimed_at, r.started_at,
     r.updated_at, r.restarts, r.failures, r.retry_at, r.stopping_at, r.is_lost
   from jsonb_to_recordset($1::jsonb) as r (service_id text, host_id text, slot integer, generation integer, status text,
     endpoint text, error text, claimed_at timestamptz, started_at timestamptz, updated_at timestamptz, restarts integer,
     failures integer, retry_at timestamptz, stopping_at timestamptz, is_lost boolean)
   on conflict (service_id, host_id, slot, generation) do update set
     status = excluded.status, endpoint = excluded.endpoint, error = excluded.error, claimed_at = excluded.claimed_at,
     started_at = excluded.started_at, updated_at = excluded.updated_at, restarts = excluded.restarts,
     failures = excluded.failures, retry_at = excluded.retry_at, stopping_at = excluded.stopping_at,
     is_lost = excluded.is_lost`,
);

/** Writes assignments of a locked service, new ones and changed ones. */
export async function putAssignments(tx: Tx, id: string, rows: readonly Assignment[]): Promise<void> {
  await tx.query(PUT_ASSIGNMENTS, [JSON.stringify(rows.map((row) => assignmentRecord(id, row)))]);
}
