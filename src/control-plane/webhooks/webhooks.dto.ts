import { ApiProperty } from '@nestjs/swagger';
import { DEFAULT_LIMIT } from '../../platform/http/cursor.js';
import { Flag, Integer, OneOf, Text, TextList } from '../../platform/http/fields.js';
import { cursorOf } from '../events/index.js';
import { type Delivery, deliveryStatuses } from './deliveries.queries.js';
import { type CountedWebhook } from './webhooks.service.js';

const DAY_SECONDS = 86_400;

export class CreateWebhookRequest {
  /** Where messages are posted to: https, without credentials or a fragment. */
  @Text({ minLength: 1, maxLength: 2_000, example: 'https://example.com/skynet' })
  url!: string;

  /** Which events: types of the log, beginnings of types with a star (`approval_*`), or `*` for all. */
  @TextList({ maxItems: 50, maxLength: 100, example: ['succeeded', 'failed*'] })
  event_types!: string[];

  /** Only events of tasks of this project. */
  @Text({ optional: true, nullable: true, maxLength: 200 })
  project_id: string | null = null;

  /** What it is for, for people to read. */
  @Text({ optional: true, maxLength: 500 })
  description = '';

  /** A `position` of the log to begin after, or empty for the oldest event that is kept. Absent: what happens from now on. */
  @Text({ optional: true, nullable: true, maxLength: 1_000 })
  after: string | null = null;
}

export class ChangeWebhookRequest {
  /** Where messages are posted to from now on, those that wait among them. Absent: as before, as with all fields here. */
  @Text({ optional: true, nullable: true, minLength: 1, maxLength: 2_000 })
  url: string | null = null;

  /** Which events from now on. */
  @TextList({ optional: true, nullable: true, maxItems: 50, maxLength: 100 })
  event_types: string[] | null = null;

  /** Only events of tasks of this project; empty for all projects. */
  @Text({ optional: true, nullable: true, maxLength: 200 })
  project_id: string | null = null;

  /** What it is for. */
  @Text({ optional: true, nullable: true, maxLength: 500 })
  description: string | null = null;

  /** false disables it: nothing is sent. true enables it again: it goes on where it was. */
  @Flag({ optional: true, nullable: true })
  enabled: boolean | null = null;

  /** With `enabled`: the `position` of the log after which it goes on instead; `now` leaves out what it has missed. */
  @Text({ optional: true, nullable: true, maxLength: 1_000 })
  after: string | null = null;
}

export class RotateSecretRequest {
  /** Seconds for which what is sent is signed by the secret before as well; 0: not at all. */
  @Integer({ optional: true, min: 0, max: 30 * DAY_SECONDS })
  overlap_seconds = DAY_SECONDS;
}

export class ListWebhooksQuery {
  /** Rows at most; negative or above 1000 means 1000. */
  @Integer({ optional: true, min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER })
  limit = DEFAULT_LIMIT;

  /** `next_cursor` of the page before. */
  @Text({ optional: true, nullable: true, maxLength: 1_000 })
  cursor: string | null = null;
}

export class ListDeliveriesQuery extends ListWebhooksQuery {
  /** Only deliveries of this status. */
  @OneOf(deliveryStatuses, { optional: true, nullable: true })
  status: (typeof deliveryStatuses)[number] | null = null;
}

/** Somebody who is told of events. */
export class WebhookState {
  /** Its id. */
  id!: string;
  /** Where messages are posted to. */
  url!: string;
  /** What it is for. */
  description!: string;
  /** Which events. */
  event_types!: string[];
  /** Only of this project; null: of all. */
  @ApiProperty({ type: String, nullable: true })
  project_id!: string | null;
  /** Whether it is told anything. */
  enabled!: boolean;
  /** Why not: `by-operator`; `gone`: the receiver answered 410; `failing`: nothing arrived for days. */
  @ApiProperty({ type: String, nullable: true, enum: ['by-operator', 'gone', 'failing'] })
  disabled_reason!: string | null;
  /** Since when not. */
  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  disabled_at!: string | null;
  /** Since when no attempt has succeeded; null: the last one has. */
  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  failing_since!: string | null;
  /** Deliveries that wait to be made; counted up to 10,000, and while there are so many no more are added. */
  @ApiProperty({ type: 'integer' })
  pending!: number;
  /** How far it has read the log, as `GET /v1/events?after=` takes it. */
  position!: string;
  /** When it was last found that retention had dropped events before they were read; null: never. */
  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  gap_at!: string | null;
  /** Until when messages are signed by the secret before as well. */
  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  previous_secret_until!: string | null;
  /** When it was made. */
  @ApiProperty({ type: String, format: 'date-time' })
  created_at!: string;
  /** When it was last changed. */
  @ApiProperty({ type: String, format: 'date-time' })
  updated_at!: string;
}

export class WebhookResponse {
  /** The webhook. */
  webhook!: WebhookState;
}

export class WebhookSecretResponse extends WebhookResponse {
  @ApiProperty({
    type: String,
    nullable: true,
    description:
      'What signs its messages. Shown this once: a repetition with the same idempotency key has null.',
  })
  secret!: string | null;
}

export class WebhookListResponse {
  /** In the order in which they were made. */
  webhooks!: WebhookState[];
  /** Absent on the last page. */
  @ApiProperty({ required: false })
  next_cursor?: string;
}

export class DeleteWebhookResponse {
  /** Always true. */
  ok!: boolean;
}

/** One event on its way to one webhook. */
export class DeliveryState {
  /** What the receiver sees as `webhook-id`, the same at every attempt. */
  id!: string;
  /** The webhook. */
  webhook_id!: string;
  /** What happened, or `webhook.test`. */
  event_type!: string;
  /** The task that it happened to; null: a test. */
  @ApiProperty({ type: String, nullable: true })
  task_id!: string | null;
  /** Whether it is still to arrive, has arrived, or has been given up. */
  @ApiProperty({ enum: deliveryStatuses })
  status!: string;
  /** Attempts so far, since it was last asked for by hand. */
  @ApiProperty({ type: 'integer' })
  attempts!: number;
  /** When it is attempted next; null: never, or just now. */
  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  next_attempt_at!: string | null;
  /** When it was last attempted. */
  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  last_attempt_at!: string | null;
  /** What the receiver answered last; null: nothing. */
  @ApiProperty({ type: 'integer', nullable: true })
  last_status_code!: number | null;
  /** Why the last attempt failed; null: it did not. */
  @ApiProperty({ type: String, nullable: true })
  last_error!: string | null;
  /** When the event was read from the log. */
  @ApiProperty({ type: String, format: 'date-time' })
  created_at!: string;
  /** When it arrived or was given up. */
  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  ended_at!: string | null;
}

export class DeliveryResponse {
  /** The delivery. */
  delivery!: DeliveryState;
}

export class DeliveryListResponse {
  /** Newest first. */
  deliveries!: DeliveryState[];
  /** Absent on the last page. */
  @ApiProperty({ required: false })
  next_cursor?: string;
}

export function webhookState(webhook: CountedWebhook): WebhookState {
  return {
    id: webhook.id,
    url: webhook.url,
    description: webhook.description,
    event_types: [...webhook.eventTypes],
    project_id: webhook.projectId,
    enabled: webhook.disabledAt === null,
    disabled_reason: webhook.disabledReason,
    disabled_at: webhook.disabledAt,
    failing_since: webhook.failingSince,
    pending: webhook.pending,
    position: cursorOf(webhook.position),
    gap_at: webhook.gapAt,
    previous_secret_until: webhook.previousSecretUntil,
    created_at: webhook.createdAt,
    updated_at: webhook.updatedAt,
  };
}

export function deliveryState(delivery: Delivery): DeliveryState {
  return {
    id: delivery.id,
    webhook_id: delivery.webhookId,
    event_type: delivery.eventType,
    task_id: delivery.taskId,
    status: delivery.status,
    attempts: delivery.attempts,
    next_attempt_at: delivery.nextAttemptAt,
    last_attempt_at: delivery.lastAttemptAt,
    last_status_code: delivery.lastStatusCode,
    last_error: delivery.lastError,
    created_at: delivery.createdAt,
    ended_at: delivery.endedAt,
  };
}
