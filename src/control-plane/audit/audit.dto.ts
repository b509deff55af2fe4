import { ApiProperty } from '@nestjs/swagger';
import { DEFAULT_LIMIT } from '../../platform/http/cursor.js';
import { Integer, Moment, OneOf, Text } from '../../platform/http/fields.js';
import { type AuditEntry } from './audit.queries.js';

export class ListAuditQuery {
  /** Only acts of this caller: its `actor`, or its `actor_kind`. */
  @Text({ optional: true, nullable: true, maxLength: 200 })
  actor: string | null = null;

  /** Only this action, or those that begin as it says before a star. */
  @Text({ optional: true, nullable: true, maxLength: 200, example: 'webhook.*' })
  action: string | null = null;

  /** Only acts on this subject. */
  @Text({ optional: true, nullable: true, maxLength: 1_000 })
  subject: string | null = null;

  /** Only acts at or after this instant. */
  @Moment({ optional: true, nullable: true })
  since: string | null = null;

  /** Only acts before this instant. */
  @Moment({ optional: true, nullable: true })
  until: string | null = null;

  /** `ndjson`: all entries, oldest first, one JSON object a line; `limit` and `cursor` do not count then. */
  @OneOf(['json', 'ndjson'], { optional: true })
  format = 'json';

  /** Rows at most; negative or above 1000 means 1000. */
  @Integer({ optional: true, min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER })
  limit = DEFAULT_LIMIT;

  /** `next_cursor` of the page before. */
  @Text({ optional: true, nullable: true, maxLength: 1_000 })
  cursor: string | null = null;
}

/** An administrative act. */
export class AuditEntryState {
  /** Grows with time, with gaps. */
  @ApiProperty({ type: 'integer' })
  id!: number;
  /** When it was done. */
  @ApiProperty({ type: String, format: 'date-time' })
  at!: string;
  /** What was done: `gateway.drain`. */
  action!: string;
  /** What it was done to, by its ids; empty: the control plane as a whole. */
  subject!: string;
  /** What the caller has shown: `environment key`, `token`, or `anonymous` where nothing is asked for. */
  actor_kind!: string;
  /** Which of them: the setting with the beginning of the hash of its value. */
  actor!: string;
  /** Where the request came from, as SKYNET_TRUSTED_PROXIES lets it be known. */
  client_ip!: string;
  /** The id of the request, as in the log and in the header `x-request-id`. */
  request_id!: string;
  /** What was asked for: fields of the request, never secrets. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  detail!: Record<string, unknown>;
}

export class AuditListResponse {
  /** Newest first. */
  entries!: AuditEntryState[];
  /** Absent on the last page. */
  @ApiProperty({ required: false })
  next_cursor?: string;
}

export function entryState(entry: AuditEntry): AuditEntryState {
  return {
    id: entry.id,
    at: entry.at,
    action: entry.action,
    subject: entry.subject,
    actor_kind: entry.actorKind,
    actor: entry.actor,
    client_ip: entry.clientIp,
    request_id: entry.requestId,
    detail: entry.detail,
  };
}
