import { ApiProperty } from '@nestjs/swagger';
import { MAX_LIMIT } from '../../platform/http/cursor.js';
import { Integer, Text } from '../../platform/http/fields.js';

export class ServiceDescription {
  /** The name of the service. */
  service!: string;
  /** The version of the program. */
  version!: string;
  /** Always `online`. */
  status!: string;
  /** Where the API is documented. */
  docs!: string;
  /** The most used routes, by name. */
  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' } })
  endpoints!: Record<string, string>;
}

/** A worker, registered or not, and what it is at. */
export class AgentView {
  /** The worker's id. */
  agent_id!: string;
  /** What it said, `offline`, or `unknown` when it never registered. */
  status!: string;
  /** The gateway that it belongs to. */
  @ApiProperty({ type: 'string', nullable: true })
  gateway_id!: string | null;
  /** Anything about it. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  metadata!: Record<string, unknown>;
  /** The task that it has held longest. */
  @ApiProperty({ type: 'string', nullable: true })
  active_task_id!: string | null;
  /** The state of that task. */
  @ApiProperty({ type: 'string', nullable: true })
  active_task_status!: string | null;
  /** What that task is. */
  @ApiProperty({ type: 'string', nullable: true })
  active_task_action!: string | null;
  /** Since when it is held. */
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  active_task_locked_at!: string | null;
  /** All tasks that it holds. */
  active_task_ids!: string[];
}

export class ListAgentsQuery {
  /** Rows at most; negative or above 1000 means 1000. */
  @Integer({ optional: true, min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER })
  limit = MAX_LIMIT;

  /** `next_cursor` of the page before. */
  @Text({ optional: true, nullable: true, maxLength: 1_000 })
  cursor: string | null = null;
}

export class AgentListResponse {
  /** Those that hold tasks first, by when they took them, newest first. */
  agents!: AgentView[];
  /** There is more; absent on the last page. */
  next_cursor?: string;
}
