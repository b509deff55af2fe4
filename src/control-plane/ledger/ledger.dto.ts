import { ApiProperty } from '@nestjs/swagger';
import {
  AnyObject,
  Flag,
  Integer,
  ListOf,
  Moment,
  ObjectOf,
  OneOf,
  Text,
  TextList,
} from '../../platform/http/fields.js';
import { DEFAULT_LIMIT } from '../../platform/http/cursor.js';
import { FileRequest } from './files.dto.js';
import { LIMITS } from './limits.js';

/** A file that a task needs. */
/** What is to be done, and how. */
export class TaskRequest {
  /** What the executor is asked to do, such as `file_write` or `run_tests`. */
  @Text({ minLength: 1, maxLength: LIMITS.actionLength, example: 'git_status' })
  action!: string;

  /** What the action needs; passed on as it is. */
  @AnyObject({ optional: true, example: { working_dir: '/srv/project' } })
  params: Record<string, unknown> = {};

  /** Higher goes first; equal ones go in the order of arrival. */
  @Integer({ optional: true, min: LIMITS.minPriority, max: LIMITS.maxPriority })
  priority = 0;

  /** The project whose files these are; paths of two projects never conflict. Left out: `default`. */
  @Text({ optional: true, nullable: true, maxLength: LIMITS.idLength })
  project_id: string | null = null;

  /**
   * Files, folders (`src/`) or globs that only this task may touch while it is claimed, relative to the project. All are
   * owned at once, or none.
   */
  @TextList({ optional: true, maxItems: LIMITS.files, maxLength: LIMITS.pathLength, example: ['src/app.ts'] })
  required_files: string[] = [];

  /** The same for what it only reads: several may read at once, nobody writes meanwhile. */
  @TextList({ optional: true, maxItems: LIMITS.files, maxLength: LIMITS.pathLength, example: ['docs/'] })
  read_files: string[] = [];

  /** Both in one list. */
  @ListOf(() => FileRequest, {
    optional: true,
    maxItems: LIMITS.files,
    example: [{ path: 'test/', mode: 'read' }],
  })
  files: FileRequest[] = [];

  /**
   * A name of your own, such as a customer or a service that must not be called too often at once. The task is claimed
   * only while fewer than `concurrency_limit` tasks of the same project and key are claimed or running. Blank: none.
   */
  @Text({ optional: true, nullable: true, maxLength: LIMITS.idLength, example: 'deploy' })
  concurrency_key: string | null = null;

  /** How many tasks of its key may be held at once, this one among them. Only with `concurrency_key`; left out: 1. */
  @Integer({ optional: true, nullable: true, min: 1, max: LIMITS.concurrency, example: 2 })
  concurrency_limit: number | null = null;

  /** The gateway that is preferred, or with `gateway_strict` the only one. */
  @Text({ optional: true, nullable: true, maxLength: LIMITS.idLength })
  gateway_id: string | null = null;

  /** Whether to wait for `gateway_id` instead of taking another usable gateway. */
  @Flag({ optional: true })
  gateway_strict = false;

  /** What the gateway or worker must be able to do. */
  @TextList({
    optional: true,
    maxItems: LIMITS.capabilities,
    maxLength: LIMITS.capabilityLength,
    example: ['execute_task'],
  })
  required_capabilities: string[] = [];

  /** `push`: only dispatchers take it, to a gateway. `pull`: only workers that claim. `any`: whoever is first. */
  @OneOf(['any', 'push', 'pull'], { optional: true })
  delivery: 'any' | 'push' | 'pull' = 'any';

  /** Claims that the task may use up before it fails. Left out: the server's SKYNET_TASK_MAX_ATTEMPTS. */
  @Integer({ optional: true, nullable: true, min: 1, max: LIMITS.attempts })
  max_attempts: number | null = null;

  /** Seconds that a claim lives without renewal. Left out: the server's SKYNET_CONTROL_TASK_LOCK_TIMEOUT. */
  @Integer({ optional: true, nullable: true, min: 1, max: LIMITS.leaseSeconds })
  lease_seconds: number | null = null;
}

/** A task to hand in. */
export class EnqueueTaskRequest extends TaskRequest {
  /** Your own id for the task. Left out or empty, one is made: `task-` and 12 hex digits. */
  @Text({ optional: true, nullable: true, maxLength: LIMITS.idLength })
  task_id: string | null = null;

  /** Ids of tasks that must succeed first. They must exist. If one fails, this task fails with it. */
  @TextList({ optional: true, maxItems: LIMITS.dependencies, maxLength: LIMITS.idLength })
  dependencies: string[] = [];

  /**
   * Not claimed before this time, ISO 8601, UTC when it names no offset; `next_attempt_at` shows it. Left out or past: at
   * once. A task with dependencies waits for both. A retry does not wait again.
   */
  @Moment({ optional: true, nullable: true, example: '2026-01-31T10:00:00+01:00' })
  run_at: string | null = null;
}

/** How much work is wanted, and how long to wait for it. */
export class ClaimNextRequest {
  /** Tasks at most. Given, the answer lists them in `tasks`; left out, it is one. */
  @Integer({ optional: true, nullable: true, min: 1, max: LIMITS.claim })
  max: number | null = null;

  /** Milliseconds to wait for work when there is none. A request with an `x-idempotency-key` does not wait. */
  @Integer({ optional: true, min: 0, max: LIMITS.waitMs })
  wait_ms = 0;

  /** Whether to start the tasks in the same step. */
  @Flag({ optional: true })
  start = false;

  /** What the worker can do. Left out: what it is registered with. */
  @TextList({
    optional: true,
    nullable: true,
    maxItems: LIMITS.capabilities,
    maxLength: LIMITS.capabilityLength,
  })
  capabilities: string[] | null = null;

  /** Only tasks of this project. Left out: of any. */
  @Text({ optional: true, nullable: true, maxLength: LIMITS.idLength })
  project_id: string | null = null;
}

/** Who wants work. */
export class ClaimTaskRequest extends ClaimNextRequest {
  /** The worker that will hold the task. */
  @Text({ minLength: 1, maxLength: LIMITS.idLength, example: 'worker-1' })
  worker_id!: string;
}

/** The proof that the caller holds the task. */
export class ClaimProofRequest {
  /** The worker that claimed the task. */
  @Text({ minLength: 1, maxLength: LIMITS.idLength, example: 'worker-1' })
  worker_id!: string;

  /** The token from the claim's answer. */
  @Text({ minLength: 1, maxLength: LIMITS.tokenLength, example: '0f0e0d0c0b0a09080706050403020100' })
  claim_token!: string;
}

/** How a task ended. */
export class CompleteTaskRequest extends ClaimProofRequest {
  /** Whether the task did what it should. Success is accepted from `running` only, failure also from `claimed`. */
  @Flag({ optional: true })
  success = true;

  /** What came out; kept as it is. */
  @AnyObject({ optional: true, example: { returncode: 0, stdout: '', stderr: '' } })
  result: Record<string, unknown> = {};

  /** Why it failed; cut to 2000 characters. */
  @Text({ optional: true, maxLength: LIMITS.textLength })
  error = '';

  /** Claim the next work in the same call. */
  @ObjectOf(() => ClaimNextRequest, { optional: true, nullable: true })
  claim_next: ClaimNextRequest | null = null;
}

/** Giving a task back. */
export class ReleaseTaskRequest extends ClaimProofRequest {
  /** Why; shown as the task's error until its next end. */
  @Text({ optional: true, maxLength: LIMITS.textLength })
  reason = '';

  /** true: others may claim the task again. false: it has failed. */
  @Flag({ optional: true })
  back_to_pending = true;
}

/** An operator's word on a task. */
export class OperatorRequest {
  /** Why; kept in the task's history. */
  @Text({ optional: true, maxLength: LIMITS.textLength })
  reason = '';
}

/** One more file for a task that is held. */
/** Files that a held task no longer needs. */
export class ListTasksQuery {
  /** Only tasks of this state, in any case; `pending` means queued and `completed` succeeded. An unknown word: none. */
  @Text({ optional: true, nullable: true, maxLength: 100, example: 'queued' })
  status: string | null = null;

  /** Only tasks of this kind. */
  @Text({ optional: true, nullable: true, maxLength: 100 })
  kind: string | null = null;

  /** Only tasks of this project. */
  @Text({ optional: true, nullable: true, maxLength: LIMITS.idLength })
  project_id: string | null = null;

  /** Rows at most; negative or above 1000 means 1000. */
  @Integer({ optional: true, min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER })
  limit = DEFAULT_LIMIT;

  /** `next_cursor` of the page before. */
  @Text({ optional: true, nullable: true, maxLength: 1_000 })
  cursor: string | null = null;
}

export class NextTaskQuery {
  /** The worker that would claim. */
  @Text({ minLength: 1, maxLength: LIMITS.idLength })
  agent_id!: string;

  /** Only tasks of this project. Left out: of any. */
  @Text({ optional: true, nullable: true, maxLength: LIMITS.idLength })
  project_id: string | null = null;
}

/** A task as it stands. */
export class TaskState {
  /** The task's id. */
  id!: string;
  /** `action` for tasks that an OpenClaw gateway or a worker executes. */
  kind!: string;
  /** What the executor is asked to do. */
  action!: string;
  /** What the action needs. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  params!: Record<string, unknown>;
  /** Where the task is in its life. */
  @ApiProperty({
    enum: ['queued', 'claimed', 'running', 'succeeded', 'failed', 'released', 'failed_timeout'],
  })
  status!: string;
  /** Higher goes first. */
  @ApiProperty({ type: 'integer' })
  priority!: number;
  /** Tasks that must succeed first. */
  dependencies!: string[];
  /** Tasks that wait for this one. */
  dependents!: string[];
  /** The project whose files these are. */
  project_id!: string;
  /** What only this task may touch while it is claimed. */
  required_files!: string[];
  /** What it reads while it is claimed. */
  read_files!: string[];
  /** The key of which only so many tasks are claimed at once; null when it has none. */
  @ApiProperty({ type: 'string', nullable: true })
  concurrency_key!: string | null;
  /** It starts only while fewer tasks of its key than this are claimed; null when it has no key. */
  @ApiProperty({ type: 'integer', nullable: true })
  concurrency_limit!: number | null;
  /** What the executor must be able to do. */
  required_capabilities!: string[];
  /** Whether the gateway may not be another. */
  gateway_strict!: boolean;
  /** Who may take the task. */
  @ApiProperty({ enum: ['any', 'push', 'pull'] })
  delivery!: string;
  /** Claims that the task may use up. */
  @ApiProperty({ type: 'integer' })
  max_attempts!: number;
  /** Claims so far. */
  @ApiProperty({ type: 'integer' })
  attempts!: number;
  /** Seconds that a claim lives without renewal. */
  @ApiProperty({ type: 'integer' })
  lease_seconds!: number;
  /** Who holds the task; null when nobody does. */
  @ApiProperty({ type: 'string', nullable: true })
  locked_by!: string | null;
  /** Since when it is held. */
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  locked_at!: string | null;
  /** When the claim ends unless it is renewed. */
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  lease_expires_at!: string | null;
  /** Grows with every claim: of two holders, the one with the lower number is stale. */
  @ApiProperty({ type: 'integer' })
  lease_number!: number;
  /** The credential of the claim: shown to the claimer only, null to everybody else. */
  @ApiProperty({ type: 'string', nullable: true })
  claim_token!: string | null;
  /** The preferred gateway. */
  @ApiProperty({ type: 'string', nullable: true })
  gateway_id!: string | null;
  /** The gateway that was asked to execute it, while the outcome is open. */
  @ApiProperty({ type: 'string', nullable: true })
  dispatch_gateway_id!: string | null;
  /** Not claimed before this time. */
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  next_attempt_at!: string | null;
  /** Who handed it in, where that is known. */
  @ApiProperty({ type: 'string', nullable: true })
  submitted_by!: string | null;
  /** What came out; empty until then. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  result!: Record<string, unknown>;
  /** Why it failed or was released last; empty when neither. */
  error!: string;
  /** When it was handed in. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  created_at!: string;
  /** When it last changed. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  updated_at!: string;
  /** When it ended; null until then. */
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  completed_at!: string | null;
}

export class TaskResponse {
  /** The task after the change. */
  task!: TaskState;
}

export class EnqueueTaskResponse extends TaskResponse {
  /**
   * Why nobody who is registered could ever run the task; not there when somebody could. Only looked at for tasks that
   * ask for capabilities or for one gateway.
   */
  @ApiProperty({
    required: false,
    example: ["It can never run as things stand: No registered worker or gateway has the capability 'gpu'."],
  })
  warnings?: string[];
}

/** A task that was claimed just now. */
export class ClaimedTaskState extends TaskState {
  /** What stands for this claim alone, to be sent like a key: may start, renew, take files, report and give back, and nothing else. */
  run_token!: string;
  /** W3C trace context to go on with: send it as the header of the calls for this task. Absent: it is in no trace. */
  @ApiProperty({ required: false, example: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' })
  traceparent?: string;
  /** What tracing systems have added to it. Absent: nothing. */
  @ApiProperty({ required: false })
  tracestate?: string;
}

export class ClaimTaskResponse {
  /** Whether a task was claimed. */
  claimed!: boolean;
  /** The task, with its claim token, the first of several; null when nothing is ready for this worker. */
  @ApiProperty({ type: () => ClaimedTaskState, nullable: true })
  task!: ClaimedTaskState | null;
  /** All that were claimed, in the order of service. Only when `max` was given. */
  @ApiProperty({ required: false, type: () => [ClaimedTaskState] })
  tasks?: ClaimedTaskState[];
}

export class NextTaskResponse {
  /** Whether a claim would find a task now. */
  eligible!: boolean;
  /** The worker that was asked about. */
  agent_id!: string;
  /** What it would get; null when nothing is ready for it. */
  @ApiProperty({ type: () => TaskState, nullable: true })
  task!: TaskState | null;
}

export class TaskListResponse {
  /** Newest first. */
  tasks!: TaskState[];
  /** Send it as `cursor` for the next page; absent on the last. */
  @ApiProperty({ required: false })
  next_cursor?: string;
}

export class OkResponse {
  /** Always true. */
  ok!: boolean;
}

export class CompleteResponse extends OkResponse {
  /** What was claimed. Only when `claim_next` was given. */
  @ApiProperty({ required: false, type: () => ClaimTaskResponse })
  next?: ClaimTaskResponse;
}

export class RenewResponse {
  /** Always true. */
  ok!: boolean;
  /** The new end of the claim. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  lease_expires_at!: string;
}
