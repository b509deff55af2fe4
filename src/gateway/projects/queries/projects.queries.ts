import { type Db, type Tx } from '../../../platform/database/database.js';
import { integer, text } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { type Change, type Project, type ProjectEvent } from '../domain/project.js';
import { PROJECT_COLUMNS, projectFromRow, type StoredProject } from './project-row.js';

const INSERT = statement(
  'projects.insert',
  `insert into gateway.projects (id, slug, name, description, directory, status, bootstrap, holder, held_until)
   values ($1, $2, $3, $4, $5, 'ideation', $6, $7::text, now() + $8 * interval '1 second')
   on conflict (slug) do nothing returning id`,
);

export type NewProject = Pick<Project, 'id' | 'slug' | 'name' | 'description' | 'directory' | 'bootstrap'>;

/** Adds a project that `holder` works on already. False when another has its slug. */
export async function insertProject(
  tx: Tx,
  { id, slug, name, description, directory, bootstrap }: NewProject,
  lease: { readonly holder: string; readonly seconds: number },
): Promise<boolean> {
  const values = [id, slug, name, description, directory, bootstrap, lease.holder, lease.seconds];
  return (await tx.query(INSERT, values)).length > 0;
}

const FIND = statement(
  'projects.find',
  `select ${PROJECT_COLUMNS} from gateway.projects p where p.id = $1 or p.slug = $1`,
);

/** A project by its id or its slug; an id is never a slug of another, since it contains what no slug does. */
export async function findProject(db: Db, idOrSlug: string): Promise<StoredProject | null> {
  return (await db.query(FIND, [idOrSlug])).map(projectFromRow)[0] ?? null;
}

const LOCK = statement(
  'projects.lock',
  `select ${PROJECT_COLUMNS} from gateway.projects p where p.id = $1 or p.slug = $1 for update`,
);

/** The same, and nobody else changes it until the end of the transaction. */
export async function lockProject(tx: Tx, idOrSlug: string): Promise<StoredProject | null> {
  return (await tx.query(LOCK, [idOrSlug])).map(projectFromRow)[0] ?? null;
}

const LIST = statement(
  'projects.list',
  `select ${PROJECT_COLUMNS}, (select count(*) from gateway.project_ideas i where i.project_id = p.id) as ideas
   from gateway.projects p
   where $1::timestamptz is null or (p.created_at, p.id) < ($1::timestamptz, $2::text)
   order by p.created_at desc, p.id desc limit $3`,
);

export interface ListedProject {
  readonly project: StoredProject;
  readonly ideas: number;
}

/** Newest first, after a place that an earlier page has ended at. */
export async function listProjects(
  db: Db,
  after: { readonly createdAt: string; readonly id: string } | null,
  limit: number,
): Promise<ListedProject[]> {
  const rows = await db.query(LIST, [after?.createdAt ?? null, after?.id ?? null, limit]);
  return rows.map((row) => ({ project: projectFromRow(row), ideas: integer(row, 'ideas') }));
}

const SAVE = statement(
  'projects.save',
  `update gateway.projects p set
     status = $2::text, auto_start = $3, bootstrap = $4, bootstrap_steps = $5, bootstrap_attempt = $6, plan = $7, error = $8,
     handed_in = $9, tasks_paused = $10, settled = $11, version = p.version + 1, updated_at = now(),
     due_at = case when p.status = $2::text and p.settled = $11 then p.due_at else now() end,
     queued_at = case when $2::text = 'approved' and p.status <> 'approved' then clock_timestamp() else p.queued_at end,
     started_at = case when $12 then coalesce(p.started_at, now()) end,
     ended_at = case when $2::text in ('completed', 'failed', 'cancelled') then coalesce(p.ended_at, now()) end
   where p.id = $1`,
);

const APPEND_EVENTS = statement(
  'projects.appendEvents',
  `insert into gateway.project_events (project_id, type, message, payload)
   select $1, e.type, e.message, e.payload
   from rows from (unnest($2::text[]), unnest($3::text[]), unnest($4::json[]))
     with ordinality as e (type, message, payload, place)
   order by e.place`,
);

/** Stores a change with what is told of it. The caller has locked the project in this transaction. */
export async function saveChange(tx: Tx, { project, events }: Change): Promise<void> {
  await tx.query(SAVE, [
    project.id,
    project.status,
    project.autoStart,
    project.bootstrap,
    JSON.stringify(project.bootstrapSteps),
    project.bootstrapAttempt,
    project.plan === null ? null : JSON.stringify(project.plan),
    project.error,
    project.handedIn,
    project.tasksPaused,
    project.settled,
    project.started,
  ]);
  await appendEvents(tx, project.id, events);
}

async function appendEvents(tx: Tx, projectId: string, events: readonly ProjectEvent[]): Promise<void> {
  if (events.length === 0) return;
  await tx.query(APPEND_EVENTS, [
    projectId,
    events.map(({ type }) => type),
    events.map(({ message }) => message),
    events.map(({ payload }) => JSON.stringify(payload ?? {})),
  ]);
}

const DELETE = statement('projects.delete', 'delete from gateway.projects p where p.id = $1');

/** Forgets a project with all that it has. */
export async function deleteProject(tx: Tx, id: string): Promise<void> {
  await tx.query(DELETE, [id]);
}

const ADD_IDEAS = statement(
  'projects.addIdeas',
  `insert into gateway.project_ideas (project_id, number, idea)
   select $1::text, listed.position + (
     select coalesce(max(i.number), 0) from gateway.project_ideas i where i.project_id = $1::text
   ), listed.idea
   from unnest($2::text[]) with ordinality as listed (idea, position)
   returning number`,
);

/** Adds ideas to a locked project, at least one. Returns how many there are. */
export async function addIdeas(tx: Tx, projectId: string, ideas: readonly string[]): Promise<number> {
  const rows = await tx.query(ADD_IDEAS, [projectId, ideas]);
  return Math.max(...rows.map((row) => integer(row, 'number')));
}

const IDEAS = statement(
  'projects.ideas',
  'select i.idea from gateway.project_ideas i where i.project_id = $1 order by i.number',
);

export async function listIdeas(db: Db, projectId: string): Promise<string[]> {
  return (await db.query(IDEAS, [projectId])).map((row) => text(row, 'idea'));
}
