import { expect } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { StreamClient } from '../support/event-stream.js';
import { eventually } from '../support/eventually.js';
import { ScriptableGateway } from '../support/scriptable-gateway.js';

/** Every id that the work uses has this in it. */
export const MARK = 'zz';

export interface Worked {
  readonly api: TestControlPlane;
  close(): Promise<void>;
}

/** A control plane on which something of everything has happened that is counted, once each. */
export async function work(): Promise<Worked> {
  const gateway = await ScriptableGateway.start();
  const api = await startTestControlPlane({
    env: {
      SKYNET_CONTROL_SCHEDULER_ENABLED: '1',
      SKYNET_STALE_LOCK_REAPER_ENABLED: '1',
      SKYNET_STALE_LOCK_REAPER_POLL_SECS: '0.1',
    },
  });
  const stream = await StreamClient.connect(api.url);
  const post = async (path: string, body: object) => {
    const reply = await api.post(path, body);
    expect([path, reply.status, reply.text]).toEqual([path, 200, reply.text]);
    return reply.body as Record<string, Record<string, string> | undefined>;
  };
  const statusOf = async (id: string) => {
    const { body } = await api.fetch(`/v1/tasks/${id}-${MARK}`);
    return (body as { status?: string }).status;
  };
  const pulled = { action: 'act', delivery: 'pull', project_id: `project-${MARK}` };
  const worker = { worker_id: `worker-${MARK}` };
  const enqueue = (id: string, more: object = {}) =>
    post('/v1/tasks/enqueue', { ...pulled, task_id: `${id}-${MARK}`, ...more });
  const claim = async () => {
    const { task } = await post('/v1/tasks/claim', worker);
    const proof = { ...worker, claim_token: task?.['claim_token'] };
    return { path: `/v1/tasks/${task?.['id'] ?? 'nobody'}`, proof };
  };

  await post('/v1/register-gateway', { gateway_id: `gateway-${MARK}`, host: gateway.url });
  await enqueue('sent', { action: 'git_status', params: {}, delivery: 'push' });
  await eventually('the gateway has done it', async () => {
    return (await statusOf('sent')) === 'succeeded' ? true : undefined;
  });

  await enqueue('first', { required_files: [`file-${MARK}`] });
  const first = await claim();
  await enqueue('second', { required_files: [`file-${MARK}`] });
  await post(`${first.path}/start`, first.proof);
  await post(`${first.path}/complete`, { ...first.proof, success: true });
  expect((await api.post(`${first.path}/complete`, { ...first.proof, success: true })).status).toBe(409);
  const second = await claim();
  await post(`${second.path}/start`, second.proof);
  await post(`${second.path}/complete`, { ...second.proof, success: false, error: 'broken' });

  await enqueue('expiring');
  await claim();
  await api.query(
    `update tasks set lease_expires_at = now() - interval '1 second' where id = 'expiring-${MARK}'`,
  );
  await eventually('the reaper has released it', async () => {
    return (await statusOf('expiring')) === 'released' ? true : undefined;
  });
  await post(`/v1/tasks/expiring-${MARK}/cancel`, { reason: 'enough' });
  return {
    api,
    close: async () => {
      stream.close();
      await api.close();
      await gateway.close();
    },
  };
}
