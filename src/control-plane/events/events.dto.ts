import { ApiProperty } from '@nestjs/swagger';
import { DEFAULT_LIMIT } from '../../platform/http/cursor.js';
import { Integer, Text } from '../../platform/http/fields.js';
import { eventTypes } from './append.js';

export class FilterQuery {
  /** Only events of this task. */
  @Text({ optional: true, nullable: true, maxLength: 200 })
  task_id: string | null = null;

  /** Only events of tasks of this project. */
  @Text({ optional: true, nullable: true, maxLength: 200 })
  project_id: string | null = null;

  /** Only events of these types: a list with commas. */
  @Text({ optional: true, nullable: true, maxLength: 1_000, example: 'succeeded,failed' })
  type: string | null = null;
}

export class ListEventsQuery extends FilterQuery {
  /** Only events at or after this instant, ISO 8601; without an offset it is UTC. */
  @Text({ optional: true, nullable: true, maxLength: 64, example: '2026-01-31T12:00:00+00:00' })
  since: string | null = null;

  /** Rows at most; negative or above 1000 means 1000. */
  @Integer({ optional: true, min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER })
  limit = DEFAULT_LIMIT;

  /** Only events with a higher id. Ids are given before commits: a follower that must miss nothing uses `after`. */
  @Integer({ optional: true, nullable: true, min: 0, max: Number.MAX_SAFE_INTEGER })
  after_id: number | null = null;

  /** `position` of an earlier answer, or empty for the beginning: the next events, none missed and none twice. */
  @Text({ optional: true, nullable: true, maxLength: 1_000 })
  after: string | null = null;

  /** `next_cursor` of the page before; the same as `after`. */
  @Text({ optional: true, nullable: true, maxLength: 1_000 })
  cursor: string | null = null;
}

export class StreamEventsQuery extends FilterQuery {
  /** Where to begin: a `position` or an `id` of before, or empty for the oldest event that is kept. Absent: now. */
  @Text({ optional: true, nullable: true, maxLength: 1_000 })
  after: string | null = null;
}

/** Something that happened to a task. */
export class TaskEventView {
  /** Grows with time, with gaps. */
  @ApiProperty({ type: 'integer' })
  id!: number;
  /** The task. */
  task_id!: string;
  /** What happened. */
  @ApiProperty({ enum: eventTypes })
  event_type!: string;
  /** The state before; null when there was none. */
  @ApiProperty({ type: 'string', nullable: true })
  from_status!: string | null;
  /** The state after. */
  @ApiProperty({ type: 'string', nullable: true })
  to_status!: string | null;
  /** Who held the task. */
  @ApiProperty({ type: 'string', nullable: true })
  worker_id!: string | null;
  /** Null, unless the server shows claim tokens to every reader. */
  @ApiProperty({ type: 'string', nullable: true })
  claim_token!: string | null;
  /** A sentence for people. */
  message!: string;
  /** What belongs to this kind of event. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  payload!: Record<string, unknown>;
  /** When. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  created_at!: string;
}

export class EventListResponse {
  /** Oldest first: by id, or with `after` in the order in which they became readable. */
  events!: TaskEventView[];
  /** Send it as `cursor` for the next page; absent when there is none yet. */
  @ApiProperty({ required: false })
  next_cursor?: string;
  /** Where a follower stands after this answer; send it as `after`. Only with `after` or `cursor`. */
  @ApiProperty({ required: false })
  position?: string;
}
