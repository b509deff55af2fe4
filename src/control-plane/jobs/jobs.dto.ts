import { ApiProperty } from '@nestjs/swagger';
import { type Job } from '../../contracts/skyclaw.js';
import { AnyObject, Flag, Integer, Quantity, Text, TextList } from '../../platform/http/fields.js';

const ID = 200;
/** What a completion may carry of each output; more than is kept, so that an old host's report is cut and not lost. */
const OUTPUT = 8 * 1_048_576;

export class SubmitJobRequest {
  /** What to run: `{kind: "shell", command, args, cwd, env, timeoutMs}` or `{kind: "openclaw-run", args, openclawDir, env, timeoutMs}`. */
  @AnyObject({ nullable: true, example: { kind: 'shell', command: 'bash', args: ['-lc', 'echo hi'] } })
  payload!: Record<string, unknown> | null;

  /** `{requiredCapabilities: […]}`; none means any host. */
  @AnyObject({ optional: true, nullable: true, example: { requiredCapabilities: ['shell'] } })
  requirement: Record<string, unknown> | null = null;

  /** Who hands it in, for people to read. */
  @Text({ optional: true, nullable: true, maxLength: ID })
  submittedBy: string | null = null;

  /** The project that it belongs to. Left out: `default`. */
  @Text({ optional: true, nullable: true, maxLength: ID })
  projectId: string | null = null;

  /** Higher comes first. */
  @Integer({ optional: true, min: -1_000_000, max: 1_000_000 })
  priority = 0;

  /** Jobs and tasks that must succeed first. */
  @TextList({ optional: true, maxItems: 10_000, maxLength: ID })
  dependencies: string[] = [];

  /** It fails when no host has started it so many milliseconds after it was handed in. */
  @Integer({ optional: true, nullable: true, min: 1_000, max: 366 * 86_400_000 })
  ttlMs: number | null = null;
}

export class ListJobsQuery {
  /** queued, leased, completed or failed; any other word finds nothing. */
  @Text({ optional: true, nullable: true, maxLength: 50 })
  status: string | null = null;

  /** Only jobs of this project. */
  @Text({ optional: true, nullable: true, maxLength: ID })
  projectId: string | null = null;

  /** How many at most; 0 for none, negative or above 1000 for 1000. */
  @Integer({ optional: true, min: -1_000_000, max: 1_000_000 })
  limit = 200;

  /** `next_cursor` of the page before. */
  @Text({ optional: true, nullable: true, maxLength: 1_000 })
  cursor: string | null = null;
}

export class ClaimJobRequest {
  /** Milliseconds to wait for a job when there is none. */
  @Integer({ optional: true, min: 0, max: 25_000 })
  wait_ms = 0;
}

export class RenewJobRequest {
  /** The host that holds the job. */
  @Text({ minLength: 1, maxLength: ID, example: 'host_1' })
  hostId!: string;

  /** The token of the attempt, from the answer to the claim. */
  @Text({ optional: true, nullable: true, maxLength: ID })
  leaseToken: string | null = null;
}

export class CompleteJobRequest {
  /** The host that ran the job. */
  @Text({ minLength: 1, maxLength: ID, example: 'host_1' })
  hostId!: string;

  /** Whether the job is done; false is final as well. */
  @Flag({ example: true })
  success!: boolean;

  /** The token of the attempt, from the answer to the claim. */
  @Text({ optional: true, nullable: true, maxLength: ID })
  leaseToken: string | null = null;

  /** How long it ran, in milliseconds. */
  @Quantity({ optional: true, min: 0, max: Number.MAX_SAFE_INTEGER })
  durationMs = 0;

  /** Of the process; absent: 0 for a success, else 1. */
  @Integer({ optional: true, nullable: true, min: -2_147_483_648, max: 4_294_967_295 })
  exitCode: number | null = null;

  /** Cut at `SKYCLAW_MAX_OUTPUT_BYTES`. */
  @Text({ optional: true, nullable: true, maxLength: OUTPUT })
  stdout: string | null = null;

  /** Cut at `SKYCLAW_MAX_OUTPUT_BYTES`. */
  @Text({ optional: true, nullable: true, maxLength: OUTPUT })
  stderr: string | null = null;

  /** Why it failed; cut at 2000 characters. */
  @Text({ optional: true, nullable: true, maxLength: OUTPUT })
  error: string | null = null;
}

export class CancelJobRequest {
  /** Why, for the event log and the job's error. */
  @Text({ optional: true, maxLength: 10_000 })
  reason = '';
}

export class JobResponse {
  /** See `Job` in the guide to the SkyClaw routes. */
  @ApiProperty({ type: Object, description: 'The job.' })
  job!: Job;
}

export class SubmitJobResponse extends JobResponse {
  @ApiProperty({
    type: [String],
    required: false,
    description: 'What keeps the job from being run as things stand; absent when nothing is known of.',
  })
  warnings?: string[];
}

export class ClaimJobResponse {
  @ApiProperty({
    type: Object,
    nullable: true,
    description:
      'The job with its `leaseToken` and environment, or null when there is none for this host now.',
  })
  job!: Job | null;
}

export class JobListResponse {
  @ApiProperty({ type: [Object], description: 'Newest first.' })
  jobs!: Job[];

  @ApiProperty({ required: false, description: 'Absent on the last page.' })
  next_cursor?: string;
}
