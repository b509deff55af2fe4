/** What happened to a task; the whole vocabulary of the log. */
export const eventTypes = [
  'enqueued',
  'claimed',
  'running',
  'succeeded',
  'failed',
  'released',
  'failed_timeout',
  'claim_conflict',
  'dependency_failed',
  'cancelled',
  'retried',
  'lease_violation',
  'turn_text',
  'approval_requested',
  'approval_resolved',
] as const;

export type EventType = (typeof eventTypes)[number];

/** Messages are cut to this many characters where they enter the log. */
const MAX_MESSAGE_LENGTH = 2_000;

/** What an event says, as SQL expressions over the columns of its source. */
export interface EventColumns {
  readonly type: EventType;
  /** The task's version that the event tells of, if it is not the last one. */
  readonly version?: string;
  /** Absent means null. */
  readonly from?: string;
  readonly to?: string;
  readonly worker?: string;
  readonly token?: string;
  readonly message: string;
  readonly payload?: string;
}

const INTO = `insert into events
      (task_id, task_version, event_type, from_status, to_status, worker_id, claim_token, message, payload)`;

function rows(source: string, event: EventColumns): string {
  return `select id, ${event.version ?? 'version'}, '${event.type}', ${event.from ?? 'null'}, ${event.to ?? 'null'},
      ${event.worker ?? 'null'}, ${event.token ?? 'null'}, left(${event.message}, ${MAX_MESSAGE_LENGTH}),
      ${event.payload ?? `'{}'::json`}
    from ${source}`;
}

/**
 * The SQL that appends one event for each row of `source`, to stand as a CTE of the statement that makes the change, so
 * that both commit or neither. `source` offers `id` and `version` of the task after the change.
 */
export function appendEvents(source: string, event: EventColumns): string {
  return `${INTO}\n    ${rows(source, event)}`;
}

/** The same for changes that are two steps at once: all events of the first step come before those of the second. */
export function appendSteps(
  first: readonly [source: string, event: EventColumns],
  second: readonly [source: string, event: EventColumns],
): string {
  return `${INTO}\n    ${rows(...first)}\n    union all\n    ${rows(...second)}`;
}
