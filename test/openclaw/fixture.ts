import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { type Json } from '../support/json.js';
import { TOKEN } from './fake-openclaw.js';

export const SECRETS_KEY = 'ab'.repeat(32);

export const SETTINGS = {
  SKYNET_CONTROL_SCHEDULER_ENABLED: '1',
  SKYNET_CONTROL_SCHEDULER_POLL_SECS: '0.2',
  SKYNET_GATEWAY_PROBE_SECS: '0.2',
  SKYNET_STALE_LOCK_REAPER_ENABLED: '1',
  SKYNET_STALE_LOCK_REAPER_POLL_SECS: '0.2',
  SKYNET_SECRETS_KEY: SECRETS_KEY,
  SKYNET_OPENCLAW_RESUME_SECS: '3',
};

export const startPlane = (
  env: Record<string, string> = {},
  databaseUrl?: string,
): Promise<TestControlPlane> =>
  startTestControlPlane({
    env: { ...SETTINGS, ...env },
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
  });

/** Registers a gateway as one of OpenClaw's; the answer. */
export async function register(
  api: TestControlPlane,
  gateway: { readonly url: string },
  more: object = {},
): Promise<Json> {
  const request = { gateway_id: 'claw', host: gateway.url, protocol: 'openclaw', credential: TOKEN, ...more };
  return (await api.post('/v1/register-gateway', request)).body;
}

/** Hands in a turn. */
export async function turn(
  api: TestControlPlane,
  id: string,
  params: object = {},
  more: object = {},
): Promise<void> {
  const body = { task_id: id, action: 'openclaw.agent', params: { message: `do ${id}`, ...params }, ...more };
  const { status, text } = await api.post('/v1/tasks/enqueue', body);
  if (status !== 200) throw new Error(`Enqueue answered ${status}: ${text}`);
}

export const taskOf = async (api: TestControlPlane, id: string): Promise<Json> =>
  (await api.fetch(`/v1/tasks/${id}`)).body;

export const ended = (api: TestControlPlane, id: string, limitMs?: number): Promise<Json> =>
  eventually(
    `${id} has ended`,
    async () => {
      const task = await taskOf(api, id);
      return ['succeeded', 'failed', 'failed_timeout'].includes(task.status) ? task : undefined;
    },
    limitMs,
  );

export async function events(api: TestControlPlane, id: string): Promise<Json[]> {
  return (await api.fetch(`/v1/events?task_id=${id}`)).body.events;
}

/** A promise, and the way to resolve it from outside. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open!: () => void;
  const opened = new Promise<void>((done) => (open = done));
  return { opened, open };
}
