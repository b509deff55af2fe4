import { integerOrNull, type Row, textOrNull } from '../../../platform/database/row.js';
import { type Task } from '../domain/task.js';
import { TASK_COLUMNS, taskFromRow } from './task-row.js';

/** A task that hosts pull: of another kind than action. */
export interface Job extends Task {
  /** The host of the last attempt. */
  readonly assignedHostId: string | null;
  readonly ttlMs: number | null;
  /** The replica that wrote it last. */
  readonly updatedBy: string;
}

/** The select list of a whole job under the alias `t`. */
export const JOB_COLUMNS = `${TASK_COLUMNS}, t.assigned_host_id, t.ttl_ms, t.updated_by`;
export const IS_JOB = `t.kind <> 'action'`;

export const jobFromRow = (row: Row): Job => ({
  ...taskFromRow(row),
  assignedHostId: textOrNull(row, 'assigned_host_id'),
  ttlMs: integerOrNull(row, 'ttl_ms'),
  updatedBy: textOrNull(row, 'updated_by') ?? '',
});
