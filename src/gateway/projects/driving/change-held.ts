import { type Database, type Tx } from '../../../platform/database/database.js';
import { type Change, type Project } from '../domain/project.js';
import { lockHeld } from '../queries/leases.queries.js';
import { type StoredProject } from '../queries/project-row.js';
import { saveChange } from '../queries/projects.queries.js';
import { type Drive } from './drive.js';

/**
 * Changes a project that is held, by a rule, and returns it. Null, and nothing happens, when it is held no longer. A rule that gives
 * back the project as it was, without events, writes nothing. It may run several times.
 */
export async function changeHeld(
  database: Database,
  drive: Drive,
  rule: (project: StoredProject, tx: Tx) => Change | Promise<Change>,
): Promise<Project | null> {
  return database.transaction(async (tx) => {
    const project = await lockHeld(tx, drive.held);
    if (project === null) return null;
    const change = await rule(project, tx);
    if (change.project === project && change.events.length === 0) return project;
    await saveChange(tx, change);
    // Its own word does not interrupt the work, unless somebody else has spoken before it.
    if (project.version === drive.version) drive.version = project.version + 1;
    return change.project;
  });
}
