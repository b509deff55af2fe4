import { type Db, type Tx } from '../../../platform/database/database.js';
import { text } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';
import { type KnownTask, type Phase } from '../domain/progress.js';

const LIST = statement(
  'projects.tasks',
  'select t.task_id, t.phase, t.error from gateway.project_tasks t where t.project_id = $1',
);

/** How far the tasks of a project were at the last look; those of which nothing was ever seen are not there. */
export async function listTasks(db: Db, projectId: string): Promise<ReadonlyMap<string, KnownTask>> {
  const rows = await db.query(LIST, [projectId]);
  return new Map(
    rows.map((row) => [
      text(row, 'task_id'),
      { phase: text(row, 'phase') as Phase, error: text(row, 'error') },
    ]),
  );
}

const SAVE = statement(
  'projects.saveTasks',
  `insert into gateway.project_tasks as t (project_id, task_id, phase, error)
   select $1, s.task_id, s.phase, s.error from unnest($2::text[], $3::text[], $4::text[]) as s (task_id, phase, error)
   on conflict (project_id, task_id) do update set phase = excluded.phase, error = excluded.error`,
);

/** Remembers tasks as they were seen, in the transaction that tells of it. */
export async function saveTasks(
  tx: Tx,
  projectId: string,
  tasks: ReadonlyMap<string, KnownTask>,
): Promise<void> {
  if (tasks.size === 0) return;
  const known = [...tasks.values()];
  await tx.query(SAVE, [
    projectId,
    [...tasks.keys()],
    known.map(({ phase }) => phase),
    known.map(({ error }) => error),
  ]);
}

const COUNTS = statement(
  'projects.doneTasks',
  `select t.project_id, count(*) as done from gateway.project_tasks t
   where t.project_id = any($1::text[]) and t.phase = 'succeeded'
     and t.task_id <> t.project_id || '-testing'
   group by t.project_id`,
);

/** How many tasks of each project's plan have succeeded; the final testing is none of them. */
export async function countDone(db: Db, projectIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const rows = await db.query(COUNTS, [projectIds]);
  return new Map(rows.map((row) => [text(row, 'project_id'), Number(row['done'])]));
}
