import { ApiProperty } from '@nestjs/swagger';
import { reasonCodes } from './domain/facts.js';

/** A call that would change something. */
export class UnblockView {
  /** The method. */
  @ApiProperty({ enum: ['GET', 'POST'], example: 'POST' })
  method!: string;
  /** The path, ready to be called. */
  @ApiProperty({ example: '/v1/tasks/build/retry' })
  path!: string;
  /** The body, where the call has one. Hosts and ids of what is not there yet are examples. */
  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: { reason: 'Tried again.' },
  })
  body?: Record<string, unknown>;
  /** What it would change, or say. */
  @ApiProperty({ example: 'Starts it anew, and lets all that failed because of it wait again.' })
  why!: string;
}

/** One reason why a task is not running. */
export class ReasonView {
  /**
   * What kind of reason it is. `paused`: an operator holds back the queue, its project, or the gateways or hosts that could take it.
   * `waiting_for_dependency`, `dependency_failed`, `waiting_for_file`, `waiting_for_concurrency` (as many tasks of its
   * `concurrency_key` are held as it allows): other tasks come first.
   * `resting`, `scheduled`: its time has not come. `open_execution`: only the gateway that may be executing it is asked.
   * `missing_capability`, `no_worker`, `no_gateway`, `no_host`, `no_capacity`: nobody is there who could take it. `queued_behind`: it
   * is ready, and others go first. `not_waiting`: it is held, or has ended.
   */
  @ApiProperty({ enum: reasonCodes, example: 'waiting_for_file' })
  code!: string;
  /** The same for a person, with the names. */
  @ApiProperty({ example: "It cannot have 1 of its files: to write 'src/app.ts', which 'build' owns." })
  message!: string;
  /** Since when, where that is known. */
  @ApiProperty({ required: false, type: 'string', format: 'date-time' })
  since?: string;
  /** The same as data; what it has depends on the code. Lists are cut where they say so by a total. */
  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: {
      total: 1,
      files: [
        {
          path: 'src/app.ts',
          mode: 'write',
          owners: [{ task_id: 'build', path: 'src/', mode: 'write', locked_by: 'worker-1' }],
          place: 1,
          ahead: [],
        },
      ],
    },
  })
  details!: Record<string, unknown>;
  /** Calls that would take the reason away or say more; empty when only time does. */
  unblock!: UnblockView[];
}

export class ExplainResponse {
  /** The task. */
  @ApiProperty({ example: 'test' })
  task_id!: string;
  /** Where it is in its life. */
  @ApiProperty({
    enum: ['queued', 'claimed', 'running', 'succeeded', 'failed', 'released', 'failed_timeout'],
    example: 'queued',
  })
  status!: string;
  /** Whether the next claim of somebody would take it now: of a registered worker or host, a dispatcher, or any other worker. */
  @ApiProperty({ example: false })
  runnable!: boolean;
  /** All in one sentence. */
  @ApiProperty({ example: "It waits for 1 dependency to succeed: 'build'." })
  summary!: string;
  /** Every reason, not only the first. Empty when the next claim takes it. */
  reasons!: ReasonView[];
  /** Whether nobody who is registered could ever take it, whatever else ends. */
  @ApiProperty({ example: false })
  never!: boolean;
  /** Why, if so. */
  @ApiProperty({ type: 'string', nullable: true, example: null })
  never_reason!: string | null;
  /** When it fails unless it has been started by then; null when it waits for as long as it takes, or has been started. */
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true, example: null })
  expires_at!: string | null;
  /** How often it has been claimed. */
  @ApiProperty({ type: 'integer', example: 0 })
  attempts!: number;
  /** How often it may be. */
  @ApiProperty({ type: 'integer', example: 5 })
  max_attempts!: number;
  /** When this was looked at, by the database's clock. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  checked_at!: string;
}
