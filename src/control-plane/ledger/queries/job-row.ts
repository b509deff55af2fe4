import {
  instant,
  instantOrNull,
  integer,
  integerOrNull,
  jsonObject,
  type Row,
  text,
  textOrNull,
  texts,
} from '../../../platform/database/row.js';
import { type Task } from '../domain/task.js';
import { status } from './task-row.js';

/** A task that hosts pull: of another kind than action. Of a task it has what a job is asked about. */
export interface Job extends Pick<
  Task,
  | 'seq'
  | 'id'
  | 'params'
  | 'status'
  | 'priority'
  | 'requiredCapabilities'
  | 'dependencies'
  | 'submittedBy'
  | 'attempts'
  | 'version'
  | 'lockedBy'
  | 'claimToken'
  | 'leaseExpiresAt'
  | 'result'
  | 'error'
  | 'createdAt'
  | 'updatedAt'
  | 'completedAt'
> {
  /** The host of the last attempt. */
  readonly assignedHostId: string | null;
  readonly ttlMs: number | null;
  /** The replica that wrote it last. */
  readonly updatedBy: string;
}

const COLUMNS = [
  ...['seq', 'id', 'params', 'status', 'priority', 'required_capabilities', 'dependencies', 'submitted_by'],
  ...['attempts', 'version', 'locked_by', 'claim_token', 'lease_expires_at', 'result', 'error', 'created_at'],
  ...['updated_at', 'completed_at', 'assigned_host_id', 'ttl_ms', 'updated_by'],
];

/** The select list of a whole job under an alias. */
export const jobColumns = (alias: string): string => COLUMNS.map((column) => `${alias}.${column}`).join(', ');
export const IS_JOB = `t.kind <> 'action'`;

export const jobFromRow = (row: Row): Job => ({
  seq: integer(row, 'seq'),
  id: text(row, 'id'),
  params: jsonObject(row, 'params'),
  status: status(row, 'status'),
  priority: integer(row, 'priority'),
  requiredCapabilities: texts(row, 'required_capabilities'),
  dependencies: texts(row, 'dependencies'),
  submittedBy: textOrNull(row, 'submitted_by'),
  attempts: integer(row, 'attempts'),
  version: integer(row, 'version'),
  lockedBy: textOrNull(row, 'locked_by'),
  claimToken: textOrNull(row, 'claim_token'),
  leaseExpiresAt: instantOrNull(row, 'lease_expires_at'),
  result: jsonObject(row, 'result'),
  error: text(row, 'error'),
  createdAt: instant(row, 'created_at'),
  updatedAt: instant(row, 'updated_at'),
  completedAt: instantOrNull(row, 'completed_at'),
  assignedHostId: textOrNull(row, 'assigned_host_id'),
  ttlMs: integerOrNull(row, 'ttl_ms'),
  updatedBy: textOrNull(row, 'updated_by') ?? '',
});
