import {
  flag,
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
import { type TraceContext } from '../../../platform/tracing/domain/trace-context.js';
import { type Concurrency } from '../domain/concurrency.js';
import { type FileMode, modeFromLetter, storedPattern, type WantedFile } from '../domain/wanted-files.js';
import { type ClaimedTask, type Delivery, type Task } from '../domain/task.js';
import { type TaskStatus, taskStates } from '../domain/task-state.js';

const COLUMNS = [
  ...[
    'seq',
    'id',
    'project_id',
    'kind',
    'action',
    'params',
    'status',
    'gate',
    'priority',
    'delivery',
    'gateway_id',
  ],
  ...[
    'gateway_strict',
    'required_capabilities',
    'dependencies',
    'required_files',
    'file_modes',
    'concurrency_key',
    'concurrency_limit',
    'max_attempts',
    'lease_seconds',
  ],
  ...['submitted_by', 'attempts', 'lease_number', 'version', 'locked_by', 'claim_token', 'locked_at'],
  ...[
    'lease_expires_at',
    'next_attempt_at',
    'dispatch_key',
    'dispatch_gateway_id',
    'result',
    'error',
    'created_at',
  ],
  ...['updated_at', 'completed_at', 'traceparent', 'tracestate'],
];

/**
 * The select list of a whole task under the alias `t`. Dependents are looked up only where there are some, and one by one:
 * where others have thousands, the planner expects as many here, and would go through all tasks instead (`offset 0`
 * keeps it from that).
 */
export const TASK_COLUMNS = `${COLUMNS.map((column) => `t.${column}`).join(', ')},
  case when t.has_dependents then array(
    select child.id from task_dependencies d
    cross join lateral (select c.id from tasks c where c.seq = d.child_seq offset 0) child
    where d.parent_seq = t.seq order by d.child_seq
  ) else '{}' end as dependents`;

export function status(row: Row, column: string): TaskStatus {
  const value = text(row, column);
  const known = taskStates.find((state) => state === value);
  if (known === undefined) throw new TypeError(`Column ${column} holds no task state.`);
  return known;
}

export function taskFromRow(row: Row): Task {
  return {
    seq: integer(row, 'seq'),
    id: text(row, 'id'),
    projectId: text(row, 'project_id'),
    kind: text(row, 'kind'),
    action: text(row, 'action'),
    params: jsonObject(row, 'params'),
    status: status(row, 'status'),
    gate: integerOrNull(row, 'gate'),
    priority: integer(row, 'priority'),
    delivery: text(row, 'delivery') as Delivery,
    gatewayId: textOrNull(row, 'gateway_id'),
    gatewayStrict: flag(row, 'gateway_strict'),
    requiredCapabilities: texts(row, 'required_capabilities'),
    dependencies: texts(row, 'dependencies'),
    dependents: texts(row, 'dependents'),
    ...filesFromRow(row),
    concurrency: concurrencyFromRow(row),
    maxAttempts: integer(row, 'max_attempts'),
    leaseSeconds: integer(row, 'lease_seconds'),
    submittedBy: textOrNull(row, 'submitted_by'),
    trace: traceFromRow(row),
    attempts: integer(row, 'attempts'),
    leaseNumber: integer(row, 'lease_number'),
    version: integer(row, 'version'),
    lockedBy: textOrNull(row, 'locked_by'),
    claimToken: textOrNull(row, 'claim_token'),
    lockedAt: instantOrNull(row, 'locked_at'),
    leaseExpiresAt: instantOrNull(row, 'lease_expires_at'),
    nextAttemptAt: instantOrNull(row, 'next_attempt_at'),
    dispatchKey: textOrNull(row, 'dispatch_key'),
    dispatchGatewayId: textOrNull(row, 'dispatch_gateway_id'),
    result: jsonObject(row, 'result'),
    error: text(row, 'error'),
    createdAt: instant(row, 'created_at'),
    updatedAt: instant(row, 'updated_at'),
    completedAt: instantOrNull(row, 'completed_at'),
  };
}

function traceFromRow(row: Row): TraceContext | null {
  const traceparent = textOrNull(row, 'traceparent');
  return traceparent === null ? null : { traceparent, tracestate: textOrNull(row, 'tracestate') };
}

/** The limit of a task without a key means nothing. */
export function concurrencyFromRow(row: Row): Concurrency | null {
  const key = textOrNull(row, 'concurrency_key');
  return key === null ? null : { key, limit: integer(row, 'concurrency_limit') };
}

/** `required_files` has the names of all files; the letters beside them say which are only read. */
function filesFromRow(row: Row): Pick<Task, 'requiredFiles' | 'readFiles'> {
  const names = texts(row, 'required_files');
  const letters = text(row, 'file_modes');
  if (letters === '') return { requiredFiles: names, readFiles: [] };
  const ofMode = (mode: FileMode) => names.filter((_, index) => modeFromLetter(letters, index) === mode);
  return { requiredFiles: ofMode('write'), readFiles: ofMode('read') };
}

export function claimedFromRow(row: Row): ClaimedTask {
  return {
    ...taskFromRow(row),
    lockedBy: text(row, 'locked_by'),
    claimToken: text(row, 'claim_token'),
    lockedAt: instant(row, 'locked_at'),
    leaseExpiresAt: instant(row, 'lease_expires_at'),
  };
}

/** What a task wants of files, from `file_paths`, `required_files` and `file_modes`. */
export function wantedFromRow(row: Row): WantedFile[] {
  const names = texts(row, 'required_files');
  const letters = text(row, 'file_modes');
  return texts(row, 'file_paths').map((path, index) => ({
    name: names[index] ?? path,
    pattern: storedPattern(path),
    mode: modeFromLetter(letters, index),
  }));
}
