import { type Db } from '../../../platform/database/database.js';
import { instant, integer, jsonObject, text } from '../../../platform/database/row.js';
import { statement } from '../../../platform/database/statement.js';

/** An event of a project as it is stored. */
export interface StoredEvent {
  readonly id: number;
  readonly projectId: string;
  readonly type: string;
  readonly message: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly createdAt: string;
}

const LIST = statement(
  'projects.events',
  `select e.id, e.project_id, e.type, e.message, e.payload, e.created_at from gateway.project_events e
   where e.project_id = $1 and e.id > $2 order by e.id limit $3`,
);

/** Events of a project after an id, oldest first. None is missed: those of one project are written one after the other. */
export async function listEvents(
  db: Db,
  projectId: string,
  afterId: number,
  limit: number,
): Promise<StoredEvent[]> {
  return (await db.query(LIST, [projectId, afterId, limit])).map((row) => ({
    id: integer(row, 'id'),
    projectId: text(row, 'project_id'),
    type: text(row, 'type'),
    message: text(row, 'message'),
    payload: jsonObject(row, 'payload'),
    createdAt: instant(row, 'created_at'),
  }));
}
