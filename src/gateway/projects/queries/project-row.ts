import { flag, instant, instantOrNull, integer, type Row, text } from '../../../platform/database/row.js';
import { type BootstrapState, type BootstrapStep } from '../domain/bootstrap.js';
import { type Plan } from '../domain/plan.js';
import { isStatus, type Project } from '../domain/project.js';

/** A project as it is stored, with what only its readers want to know. */
export interface StoredProject extends Project {
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly version: number;
}

/** All that a project has, of a table called `p`. */
export const PROJECT_COLUMNS = `p.id, p.slug, p.name, p.description, p.directory, p.status, p.auto_start, p.bootstrap,
  p.bootstrap_steps, p.bootstrap_attempt, p.plan, p.error, p.handed_in, p.tasks_paused, p.settled, p.version,
  p.created_at, p.updated_at, p.started_at, p.ended_at`;

export function projectFromRow(row: Row): StoredProject {
  const status = text(row, 'status');
  if (!isStatus(status)) throw new TypeError(`A project has the unknown status ${status}.`);
  return {
    id: text(row, 'id'),
    slug: text(row, 'slug'),
    name: text(row, 'name'),
    description: text(row, 'description'),
    directory: text(row, 'directory'),
    status,
    autoStart: flag(row, 'auto_start'),
    // Checked by the table, and written by this module alone.
    bootstrap: text(row, 'bootstrap') as BootstrapState,
    bootstrapSteps: row['bootstrap_steps'] as BootstrapStep[],
    bootstrapAttempt: integer(row, 'bootstrap_attempt'),
    plan: row['plan'] as Plan | null,
    error: text(row, 'error'),
    started: row['started_at'] !== null,
    handedIn: flag(row, 'handed_in'),
    tasksPaused: flag(row, 'tasks_paused'),
    settled: flag(row, 'settled'),
    version: integer(row, 'version'),
    createdAt: instant(row, 'created_at'),
    updatedAt: instant(row, 'updated_at'),
    startedAt: instantOrNull(row, 'started_at'),
    endedAt: instantOrNull(row, 'ended_at'),
  };
}
