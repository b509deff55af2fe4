import { encodeCursor } from '../../platform/http/cursor.js';
import { type Position } from './domain/position.js';
import { type TaskEventView } from './events.dto.js';
import { type TaskEvent } from './events.queries.js';

/** An event as callers see it. A claim token is a credential: it is shown only where the server is told to. */
export function eventView(event: TaskEvent, redactClaimTokens: boolean): TaskEventView {
  return {
    id: event.id,
    task_id: event.taskId,
    event_type: event.eventType,
    from_status: event.fromStatus,
    to_status: event.toStatus,
    worker_id: event.workerId,
    claim_token: redactClaimTokens ? null : event.claimToken,
    message: event.message,
    payload: event.payload,
    created_at: event.createdAt,
  };
}

/** A position as the opaque text that callers send back. */
export function cursorOf({ txid, id }: Position): string {
  return encodeCursor([txid, id]);
}
