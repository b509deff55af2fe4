import { ApiProperty } from '@nestjs/swagger';
import { AnyObject, Flag, ListOf, ObjectOf, Text } from '../../platform/http/fields.js';
import { ClaimNextRequest, ClaimTaskResponse, EnqueueTaskRequest } from './ledger.dto.js';
import { LIMITS } from './limits.js';

const HELD = { task_id: 'build', claim_token: '0f0e0d0c0b0a09080706050403020100' };
const ITEMS = { minItems: 1, maxItems: LIMITS.batch };

/** Tasks that are handed in together. */
export class EnqueueBatchRequest {
  /** The tasks. A dependency may be another task of the batch, before or after it. All are accepted, or none. */
  @ListOf(() => EnqueueTaskRequest, { ...ITEMS, example: [{ task_id: 'build', action: 'run_tests' }] })
  tasks!: EnqueueTaskRequest[];
}

/** One task that is held. */
export class HeldTask {
  /** The task. */
  @Text({ minLength: 1, maxLength: LIMITS.idLength, example: 'build' })
  task_id!: string;

  /** The token from the claim's answer. */
  @Text({ minLength: 1, maxLength: LIMITS.tokenLength, example: '0f0e0d0c0b0a09080706050403020100' })
  claim_token!: string;
}

class HolderRequest {
  /** The worker that claimed the tasks. */
  @Text({ minLength: 1, maxLength: LIMITS.idLength, example: 'worker-1' })
  worker_id!: string;
}

/** Tasks to start, or whose leases shall begin anew. */
export class HeldTasksRequest extends HolderRequest {
  /** The tasks. */
  @ListOf(() => HeldTask, { ...ITEMS, example: [HELD] })
  items!: HeldTask[];
}

/** How one of several tasks ended. */
export class EndedTask extends HeldTask {
  /** Whether the task did what it should. Success is accepted from `running` only, failure also from `claimed`. */
  @Flag({ optional: true })
  success = true;

  /** What came out; kept as it is. */
  @AnyObject({ optional: true })
  result: Record<string, unknown> = {};

  /** Why it failed; cut to 2000 characters. */
  @Text({ optional: true, maxLength: LIMITS.textLength })
  error = '';
}

/** How tasks ended. */
export class CompleteTasksRequest extends HolderRequest {
  /** The tasks. */
  @ListOf(() => EndedTask, { ...ITEMS, example: [{ ...HELD, result: { returncode: 0 } }] })
  items!: EndedTask[];

  /** Claim the next work in the same call. */
  @ObjectOf(() => ClaimNextRequest, { optional: true, nullable: true })
  claim_next: ClaimNextRequest | null = null;
}

/** One of several tasks that is given back. */
export class ReturnedTask extends HeldTask {
  /** Why; shown as the task's error until its next end. */
  @Text({ optional: true, maxLength: LIMITS.textLength })
  reason = '';

  /** true: others may claim the task again. false: it has failed. */
  @Flag({ optional: true })
  back_to_pending = true;
}

/** Giving tasks back. */
export class ReleaseTasksRequest extends HolderRequest {
  /** The tasks. */
  @ListOf(() => ReturnedTask, { ...ITEMS, example: [{ ...HELD, reason: 'The laptop is going to sleep.' }] })
  items!: ReturnedTask[];
}

/** A task as it stands right after it was handed in. `GET /v1/tasks/{id}` shows all of it. */
export class EnqueuedTask {
  /** Its id, given or made. */
  @ApiProperty({ example: 'build' })
  id!: string;
  /** `queued`, or `failed` when a dependency had failed before. */
  @ApiProperty({ enum: ['queued', 'failed'], example: 'queued' })
  status!: string;
  /** Why it has failed; empty otherwise. */
  @ApiProperty({ example: '' })
  error!: string;
  /** When it was handed in. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  created_at!: string;
  /** When it may be claimed; null: at once. */
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true, example: null })
  next_attempt_at!: string | null;
}

export class EnqueueBatchResponse {
  /** The tasks in the order of the request. */
  tasks!: EnqueuedTask[];
  /** Which of them nobody who is registered could ever run, and why; not there when there are none. */
  @ApiProperty({
    required: false,
    example: ["tasks[0]: It can never run as things stand: No registered worker has the capability 'gpu'."],
  })
  warnings?: string[];
}

/** What became of one item. */
export class ItemResult {
  /** The task. */
  task_id!: string;
  /** Whether it was done. */
  ok!: boolean;
  /** Why not, in the words of the call for one task. */
  @ApiProperty({ required: false })
  error?: string;
}

export class ItemResults {
  /** One for each item, in the order of the request. An item that was refused does not touch the others. */
  results!: ItemResult[];
}

export class RenewedItem extends ItemResult {
  /** The new end of the claim. */
  @ApiProperty({ required: false, type: 'string', format: 'date-time' })
  lease_expires_at?: string;
}

export class RenewedItems {
  /** One for each item, in the order of the request. */
  results!: RenewedItem[];
}

export class CompletedItems extends ItemResults {
  /** What was claimed. Only when `claim_next` was given. */
  @ApiProperty({ required: false, type: () => ClaimTaskResponse })
  next?: ClaimTaskResponse;
}
