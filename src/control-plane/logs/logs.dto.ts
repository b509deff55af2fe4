import { ApiProperty } from '@nestjs/swagger';
import { type LogLine } from '../../contracts/skyclaw.js';
import { DEFAULT_LIMIT } from '../../platform/http/cursor.js';
import { Flag, Integer, ListOf, OneOf, Text } from '../../platform/http/fields.js';

const ID = 200;
const MOST = 2_147_483_647;

/** What one call may carry. */
export const CALL = { entries: 1_000, textBytes: 262_144 } as const;

export class LogEntryRequest {
  /** Counts from 1 within an attempt, over both streams. */
  @Integer({ min: 1, max: MOST })
  seq!: number;

  /** Which output it is a piece of. */
  @OneOf(['stdout', 'stderr'])
  stream!: 'stdout' | 'stderr';

  /** What was printed, line ends included. NUL and halves of surrogate pairs become U+FFFD. */
  @Text({ maxLength: CALL.textBytes })
  text!: string;
}

export class AppendJobLogsRequest {
  /** The host that holds the job. */
  @Text({ minLength: 1, maxLength: ID, example: 'host_1' })
  hostId!: string;

  /** `attempts` of the job as it was claimed. */
  @Integer({ min: 1, max: MOST, example: 1 })
  attempt!: number;

  /** The token of the attempt, from the answer to the claim. */
  @Text({ optional: true, nullable: true, maxLength: ID })
  leaseToken: string | null = null;

  /** Those that are there already are skipped. All texts together hold at most 256 KiB. */
  @ListOf(() => LogEntryRequest, {
    maxItems: CALL.entries,
    example: [{ seq: 1, stream: 'stdout', text: 'hi\n' }],
  })
  entries!: LogEntryRequest[];
}

export class AppendServiceLogsRequest {
  /** The host that runs a replica of the service. */
  @Text({ minLength: 1, maxLength: ID, example: 'host_1' })
  hostId!: string;

  /** How often the process was started again on this host. */
  @Integer({ min: 0, max: MOST, example: 0 })
  attempt!: number;

  /** Which of the replicas on the host it is. */
  @Integer({ optional: true, nullable: true, min: 0, max: MOST })
  slot: number | null = null;

  /** The generation of the service that it runs. */
  @Integer({ optional: true, nullable: true, min: 0, max: MOST })
  generation: number | null = null;

  /** In the order of `seq`; what is not above the highest that is kept is skipped. All texts together hold at most 256 KiB. */
  @ListOf(() => LogEntryRequest, {
    maxItems: CALL.entries,
    example: [{ seq: 1, stream: 'stdout', text: 'hi\n' }],
  })
  entries!: LogEntryRequest[];
}

export class AppendLogsResponse {
  /** Always true. */
  @ApiProperty({ enum: [true] })
  ok!: true;
  /** The highest `seq` of the attempt that is kept; 0 when none is. */
  @ApiProperty({ type: 'integer' })
  lastSeq!: number;
  /** The output has reached `SKYCLAW_LOG_MAX_BYTES`: nothing more will be kept. Never so of a service. */
  full!: boolean;
}

export class ReadLogsQuery {
  /** `next` of the page before. */
  @Text({ optional: true, nullable: true, maxLength: 1_000 })
  after: string | null = null;

  /** How many at most; 0 for none, negative or above 1000 for 1000. A page ends sooner when its texts are long. */
  @Integer({ optional: true, min: -1_000_000, max: 1_000_000 })
  limit = DEFAULT_LIMIT;

  /** 1 answers with a stream of Server-Sent Events. */
  @Flag({ optional: true })
  follow = false;
}

export class LogsResponse {
  @ApiProperty({ type: [Object], description: 'In the order in which they arrived.' })
  entries!: LogLine[];
  /** Where to go on from; absent when nothing more can come. */
  @ApiProperty({ required: false })
  next?: string;
  /** Something is missing: the end of a job's output, the beginning of a service's. */
  truncated!: boolean;
}
