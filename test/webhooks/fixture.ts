import { randomBytes } from 'node:crypto';
import { type Reply, startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { type Json } from '../support/json.js';

/** Lets webhooks go to receivers of the tests. */
export const LOCAL = {
  SKYNET_SECRETS_KEY: randomBytes(32).toString('hex'),
  SKYNET_WEBHOOK_ALLOW_HTTP: '1',
  SKYNET_WEBHOOK_ALLOWED_NETWORKS: '127.0.0.1',
};

export const startWebhooks = (
  env: Record<string, string> = {},
  databaseUrl?: string,
): Promise<TestControlPlane> =>
  startTestControlPlane({ env: { ...LOCAL, ...env }, ...(databaseUrl === undefined ? {} : { databaseUrl }) });

/** Makes a webhook and returns it with its secret. */
export async function makeWebhook(
  api: TestControlPlane,
  url: string,
  more: object = {},
): Promise<{ webhook: Json; secret: string }> {
  const { status, body } = await api.post('/v1/webhooks', { url, event_types: ['enqueued'], ...more });
  if (status !== 200) throw new Error(`POST /v1/webhooks answered ${status}: ${JSON.stringify(body)}`);
  return body as { webhook: Json; secret: string };
}

export const enqueue = (api: TestControlPlane, task_id: string, more: object = {}): Promise<Reply> =>
  api.post('/v1/tasks/enqueue', { task_id, action: 'act', delivery: 'pull', ...more });

/** Waits until an event can be read, which an older transaction may delay; returns where the log then ends. */
export function readable(api: TestControlPlane, task_id: string): Promise<string> {
  return eventually(`${task_id} can be read`, async () => {
    const { body } = await api.fetch(`/v1/events?after=&task_id=${task_id}`);
    return body.events.length > 0 ? String(body.position) : undefined;
  });
}

/** The only delivery of a webhook, once it is as it should be. */
export function delivery(
  api: TestControlPlane,
  webhookId: string,
  what: string,
  isSo: (delivery: Json) => boolean,
): Promise<Json> {
  return eventually(`the delivery ${what}`, async () => {
    const { body } = await api.fetch(`/v1/webhooks/${webhookId}/deliveries`);
    const [first] = body.deliveries as Json[];
    return first !== undefined && isSo(first) ? first : undefined;
  });
}

/** Ends the pauses of all deliveries, as if their time had come. */
export async function endPauses(api: TestControlPlane): Promise<void> {
  await api.query(
    `update webhook_deliveries set due_at = now() where status = 'pending' and attempt_id is null`,
  );
}
