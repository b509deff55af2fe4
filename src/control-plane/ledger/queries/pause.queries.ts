import { type Db } from '../../../platform/database/database.js';
import { instant, onlyRow, type Row, text } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { type Pause, type PauseScope, type PauseTarget } from '../domain/pause.js';

/**
 * What is paused, looked up once for a whole statement: `is_all`, the `projects`, and for a dispatcher ($1) the `gateways`,
 * of the registry. Whatever begins after a pause is committed sees it.
 */
export const PAUSED = `paused as materialized (
     select coalesce(bool_or(p.scope = 'queue'), false) as is_all,
       coalesce(array_agg(p.name) filter (where p.scope = 'project'), '{}') as projects,
       case when $1::text = 'dispatcher' then array(select g.gateway_id from gateways g where g.paused_at is not null) end as gateways
     from pauses p
   )`;

/** Whether nothing at all may be claimed. */
export const IS_ALL_PAUSED = '(select p.is_all from paused p)';

/** Whether the tasks of a project may not be claimed. */
export const isPausedProject = (project: string): string =>
  `${project} = any((select p.projects from paused p)::text[])`;

/** Whether a dispatcher may not send anything new to a gateway. */
export const isPausedGateway = (gateway: string): string =>
  `${gateway} = any((select p.gateways from paused p)::text[])`;

const COLUMNS = 'p.scope, p.name, p.reason, p.paused_at';

const pauseFromRow = (row: Row): Pause => ({
  scope: text(row, 'scope') as PauseScope,
  name: text(row, 'name'),
  reason: text(row, 'reason'),
  pausedAt: instant(row, 'paused_at'),
});

const PAUSE = statement(
  'ledger.pause',
  `insert into pauses as p (scope, name, reason) values ($1, $2, $3)
   on conflict (scope, name) do update set reason = case when excluded.reason = '' then p.reason else excluded.reason end
   returning ${COLUMNS}`,
);

/** Pauses the queue or a project. What is paused stays so since then, and takes over a reason that is given anew. */
export async function pause(db: Db, { scope, name }: PauseTarget, reason: string): Promise<Pause> {
  return pauseFromRow(onlyRow(await db.query(PAUSE, [scope, name, reason])));
}

const RESUME = statement('ledger.resume', 'delete from pauses p where p.scope = $1 and p.name = $2');

export async function resume(db: Db, { scope, name }: PauseTarget): Promise<void> {
  await db.query(RESUME, [scope, name]);
}

const PAUSES_OF = statement(
  'ledger.pausesOf',
  `select ${COLUMNS} from pauses p
   where p.scope = 'queue' or (p.scope = 'project' and p.name = any($1::text[]))
   order by p.scope desc, p.name`,
);

/** The pauses that tasks of some projects wait for: of the queue first. */
export async function findPausesOf(db: Db, projectIds: readonly string[]): Promise<Pause[]> {
  return (await db.query(PAUSES_OF, [projectIds])).map(pauseFromRow);
}

const LIST_PROJECTS = statement(
  'ledger.pausedProjects',
  `select ${COLUMNS} from pauses p where p.scope = 'project' and p.name > $1 order by p.name limit $2`,
);

/** Up to `limit` paused projects by name, those after `after`. */
export async function listPausedProjects(db: Db, after: string, limit: number): Promise<Pause[]> {
  return (await db.query(LIST_PROJECTS, [after, limit])).map(pauseFromRow);
}
