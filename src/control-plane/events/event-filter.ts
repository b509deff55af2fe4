import { type Instant } from '../../platform/database/row.js';

/** Which events are wanted; null means any. */
export interface EventFilter {
  readonly taskId: string | null;
  /** Of tasks of this project. */
  readonly projectId: string | null;
  readonly types: readonly string[] | null;
  /** Inclusive. */
  readonly since: Instant | null;
}

export const ANY_EVENT: EventFilter = { taskId: null, projectId: null, types: null, since: null };

/** A filter in SQL, over `e`. Only what is asked for appears, so that each kind of question gets a plan of its own. */
export interface FilterSql {
  /** Names the kind of question, for the statement's name. */
  readonly kind: string;
  /** What narrows the search by an index or by partitions. */
  readonly narrowing: string;
  /** What has to be looked at row by row; empty when there is no such thing. */
  readonly sifting: string;
  readonly values: readonly unknown[];
}

/** Its parameters begin at `$first`. */
export function filterSql({ taskId, since, projectId, types }: EventFilter, first: number): FilterSql {
  const parts: string[] = [];
  const values: unknown[] = [];
  const condition = (kind: string, value: unknown, sql: (parameter: string) => string): string => {
    if (value === null) return '';
    parts.push(kind);
    values.push(value);
    return ` and ${sql(`$${first + values.length - 1}`)}`;
  };
  const narrowing =
    condition('task', taskId, (parameter) => `e.task_id = ${parameter}`) +
    condition('since', since, (parameter) => `e.created_at >= ${parameter}::timestamptz`);
  const sifting =
    condition('type', types, (parameter) => `e.event_type = any(${parameter}::text[])`) +
    condition(
      'project',
      projectId,
      (parameter) =>
        `exists (select from tasks t where t.id = e.task_id and t.project_id = ${parameter}::text)`,
    );
  return { kind: ['', ...parts].join('.'), narrowing, sifting, values };
}
