import { ApiProperty } from '@nestjs/swagger';

export class HeartbeatView {
  /** The job. */
  @ApiProperty({ example: 'health_check' })
  name!: string;
  /** Its period. */
  @ApiProperty({ type: 'integer' })
  every_seconds!: number;
  /** When it is due. */
  @ApiProperty({ format: 'date-time' })
  next_at!: string;
  /** Whether a gateway does it now. */
  running!: boolean;
  /** The gateway that does it, or has done it last; null when none has. */
  @ApiProperty({ type: 'string', nullable: true })
  gateway!: string | null;
  /** When it was begun last. */
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  started_at!: string | null;
  /** When it has ended last. */
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  ended_at!: string | null;
  /** How. `skipped`: there was nothing to do, for it is not configured. */
  @ApiProperty({ type: 'string', enum: ['succeeded', 'skipped', 'failed'], nullable: true })
  outcome!: string | null;
  /** The same in a sentence. */
  message!: string;
  /** How often it has ended. */
  @ApiProperty({ type: 'integer' })
  runs!: number;
}

export class HeartbeatsView {
  /** All jobs. */
  heartbeats!: HeartbeatView[];
}
