import { ApiProperty } from '@nestjs/swagger';
import { DEFAULT_LIMIT } from '../../platform/http/cursor.js';
import { Integer, Text } from '../../platform/http/fields.js';
import { pauseScopes } from './domain/pause.js';

/** An operator's word that something is to wait. */
export class PauseRequest {
  /** Why, for those who ask what their tasks wait for. Left out when it is paused already, the reason stays. */
  @Text({ optional: true, maxLength: 2_000, example: 'The repository is being moved.' })
  reason = '';
}

/** Whether something is paused. */
export class PauseState {
  /** What it is. */
  @ApiProperty({ enum: pauseScopes, example: 'project' })
  scope!: string;
  /** Its id; empty for the queue. */
  @ApiProperty({ example: 'default' })
  name!: string;
  /** Whether it is paused now. */
  @ApiProperty({ example: true })
  paused!: boolean;
  /** What the operator said; empty when nothing was said, or it is not paused. */
  @ApiProperty({ example: 'The repository is being moved.' })
  reason!: string;
  /** Since when; null when it is not paused. */
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  paused_at!: string | null;
}

export class ListPausesQuery {
  /** Rows at most; negative or above 1000 means 1000. */
  @Integer({ optional: true, min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER })
  limit = DEFAULT_LIMIT;

  /** `next_cursor` of the page before. */
  @Text({ optional: true, nullable: true, maxLength: 1_000 })
  cursor: string | null = null;
}

export class PauseListResponse {
  /** The queue's first, then those of gateways by id, then those of projects by name. */
  pauses!: PauseState[];
  /** Send it as `cursor` for the next page; absent on the last. */
  @ApiProperty({ required: false })
  next_cursor?: string;
}
