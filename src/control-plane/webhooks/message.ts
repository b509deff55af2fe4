import { cursorOf, eventView, type TaskEvent } from '../events/index.js';
import { type NewDelivery } from './deliveries.queries.js';

/** What a message may weigh: receivers may refuse large ones. The log has all of it. */
const MAX_BODY_BYTES = 65_536;

/** The type of a message that an operator has asked for to see whether messages arrive. */
export const TEST_TYPE = 'webhook.test';

/**
 * An event as a message to a webhook. Its id is made of both, so it is the same whoever makes it and however often. Claim
 * tokens are credentials: they never leave. The payload of a large event stays behind.
 */
export function messageOf(webhookId: string, event: TaskEvent, projectId: string | null): NewDelivery {
  const more = { project_id: projectId, position: cursorOf(event) };
  const view = Object.assign(more, eventView(event, true));
  const whole = bodyOf(event.eventType, event.createdAt, view);
  const fits = Buffer.byteLength(whole) <= MAX_BODY_BYTES;
  return {
    id: messageId(webhookId, String(event.id)),
    eventType: event.eventType,
    taskId: event.taskId,
    body: fits
      ? whole
      : bodyOf(event.eventType, event.createdAt, Object.assign(view, { payload: {}, payload_omitted: true })),
  };
}

/** A message that tells of nothing, with an id of its own. */
export function testMessage(webhookId: string, id: string, at: string): NewDelivery {
  return {
    id: messageId(webhookId, `test-${id}`),
    eventType: TEST_TYPE,
    taskId: null,
    body: bodyOf(TEST_TYPE, at, { webhook_id: webhookId }),
  };
}

function bodyOf(type: string, timestamp: string, data: object): string {
  return JSON.stringify({ type, timestamp, data });
}

/** Without a full stop, which divides what is signed. */
const messageId = (webhookId: string, of: string) => `msg_${webhookId.replace(/^wh_/, '')}_${of}`;
