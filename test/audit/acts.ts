import { randomBytes } from 'node:crypto';
import { type Reply, startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { type ScriptableGateway } from '../support/scriptable-gateway.js';
import { WebhookReaderLoop } from '../../src/control-plane/webhooks/reader.loop.js';
import { WebhookSenderLoop } from '../../src/control-plane/webhooks/sender.loop.js';
import { hostRecord } from '../cluster/records.js';
import { YEARLY } from '../schedules/fixture.js';

/** An administrative act: a call of a route, and what the audit trail must say of it. */
export interface Act {
  /** As openapi.yaml writes it. */
  readonly route: string;
  readonly path: string;
  readonly body?: object;
  readonly action: string;
  /** Undefined: made by the act. */
  readonly subject?: string;
  readonly detail?: object;
  /** 200, unless said otherwise. */
  readonly status?: number;
}

/** Nothing of this may ever be written down. */
export const HIDDEN = 'do-not-tell';

const SCHEDULE_DETAIL = { cron: '0 0 1 1 *', time_zone: 'Europe/Berlin' };
const SCHEDULE = {
  ...YEARLY,
  time_zone: 'Europe/Berlin',
  task: { ...YEARLY.task, params: { token: HIDDEN } },
};
const SERVICE = { command: 'serve', args: [HIDDEN], env: { PASSWORD: HIDDEN } };

/** A control plane with everything that acts are done to. */
export async function startWithSubjects(gateway: ScriptableGateway): Promise<{
  readonly api: TestControlPlane;
  readonly acts: readonly Act[];
}> {
  const api = await startTestControlPlane({
    env: { SKYNET_SECRETS_KEY: randomBytes(32).toString('hex'), SKYNET_TRUSTED_PROXIES: '127.0.0.1' },
  });
  // Nothing is to be sent anywhere here.
  await Promise.all([api.get(WebhookReaderLoop).stop(), api.get(WebhookSenderLoop).stop()]);
  const post = (path: string, body?: object) => made(api.post(path, body));

  await post('/v1/register-gateway', { gateway_id: 'g', host: gateway.url });
  await post('/v1/register-worker', { worker_id: 'w' });
  await post('/v1/tasks/enqueue', { task_id: 'failed', action: 'act', delivery: 'pull', max_attempts: 1 });
  const { task } = (await post('/v1/tasks/claim', { worker_id: 'w', start: true })).body;
  const proof = { worker_id: 'w', claim_token: task.claim_token };
  await post('/v1/tasks/failed/complete', { ...proof, success: false, error: 'it broke' });
  await post('/v1/tasks/enqueue', { task_id: 'queued', action: 'act', delivery: 'pull' });
  await api.query(
    `insert into approvals (task_id, approval_id, gateway_id, command, cwd, decisions)
     values ('queued', 'a', 'g', 'rm', '/', '{}')`,
  );
  await made(api.call('PUT', '/v1/schedules/s', SCHEDULE));
  await made(api.call('PUT', '/v1/schedules/gone', SCHEDULE));
  await post('/v1/hosts/register', { hostId: 'h', name: 'h', capabilities: ['shell'] });
  const job = (await post('/v1/jobs', { kind: 'shell', payload: { kind: 'shell', command: 'x' } })).body.job;
  const services: string[] = [];
  for (const name of ['stopped', 'removed', 'scaled', 'restarted'])
    services.push(String((await post('/v1/services', { name, ...SERVICE })).body.service.id));
  const [stopped, removed, scaled, restarted] = services;
  const apiKey = (await post('/v1/keys', { label: 'k', scopes: ['claims'] })).body.key;
  const key = (await post('/v1/public-keys', { label: 'k', capabilities: ['a'] })).body.key;
  const hook = { url: `https://example.com/${HIDDEN}?token=${HIDDEN}`, event_types: ['failed'] };
  const [one, two] = [
    (await post('/v1/webhooks', hook)).body.webhook,
    (await post('/v1/webhooks', hook)).body.webhook,
  ];
  const { delivery } = (await post(`/v1/webhooks/${String(one.id)}/test`)).body;

  const why = { reason: 'because' };
  const acts: Act[] = [
    ...(['pause', 'resume'] as const).flatMap((verb): Act[] => {
      const more = verb === 'pause' ? { body: why, detail: why } : {};
      return [
        {
          route: `POST /v1/queue/${verb}`,
          path: `/v1/queue/${verb}`,
          action: `queue.${verb}`,
          subject: '',
          ...more,
        },
        {
          ...{
            route: `POST /v1/projects/{project_id}/${verb}`,
            path: `/v1/projects/p/${verb}`,
            subject: 'p',
          },
          ...{ action: `project.${verb}`, ...more },
        },
        {
          ...{
            route: `POST /v1/gateways/{gateway_id}/${verb}`,
            path: `/v1/gateways/g/${verb}`,
            subject: 'g',
          },
          ...{ action: `gateway.${verb}`, ...more },
        },
        {
          ...{ route: `POST /v1/schedules/{id}/${verb}`, path: `/v1/schedules/s/${verb}`, subject: 's' },
          ...{ action: `schedule.${verb}` },
        },
      ];
    }),
    ...on('gateways/{gateway_id}', 'g', 'gateway', {
      cordon: why,
      drain: { ...why, deadline_seconds: 60 },
      uncordon: undefined,
    }),
    ...on('hosts/{id}', 'h', 'host', {
      cordon: why,
      drain: { ...why, deadlineMs: 60_000 },
      uncordon: undefined,
      revoke: why,
      readmit: undefined,
    }),
    ...on('tasks/{id}', 'failed', 'task', { retry: why }),
    ...on('tasks/{id}', 'queued', 'task', { cancel: why }),
    ...on('jobs/{id}', String(job.id), 'job', { cancel: why }),
    ...on('schedules/{id}', 's', 'schedule', { trigger: undefined }),
    {
      ...{ route: 'POST /v1/schedules', path: '/v1/schedules', action: 'schedule.create', subject: 'new' },
      ...{ body: { ...SCHEDULE, schedule_id: 'new' }, detail: SCHEDULE_DETAIL },
    },
    {
      ...{
        route: 'PUT /v1/schedules/{id}',
        path: '/v1/schedules/put',
        action: 'schedule.put',
        subject: 'put',
      },
      ...{ body: SCHEDULE, detail: SCHEDULE_DETAIL },
    },
    {
      ...{ route: 'DELETE /v1/schedules/{id}', path: '/v1/schedules/gone', action: 'schedule.delete' },
      subject: 'gone',
    },
    {
      ...{ route: 'POST /v1/register-gateway', path: '/v1/register-gateway', action: 'gateway.register' },
      ...{ subject: 'g2', body: { gateway_id: 'g2', host: gateway.url, metadata: { x: HIDDEN } } },
      detail: { host: gateway.url },
    },
    {
      ...{ route: 'POST /v1/route-task', path: '/v1/route-task', action: 'gateway.call', subject: '' },
      ...{ body: { action: 'git_status', params: { x: HIDDEN }, gateway_id: 'g' } },
      detail: { action: 'git_status', gateway_id: 'g' },
    },
    {
      ...{ route: 'POST /v1/tasks/{id}/approvals/{approvalId}', path: '/v1/tasks/queued/approvals/a' },
      ...{
        action: 'approval.answer',
        subject: 'queued/a',
        body: { decision: 'deny' },
        detail: { decision: 'deny' },
      },
      // A gateway of our own protocol asks for none, so it says that nobody waits.
      status: 409,
    },
    {
      ...{ route: 'POST /v1/public-keys', path: '/v1/public-keys', action: 'public-key.create' },
      ...{ body: { label: 'l', capabilities: ['a'] }, detail: { label: 'l', capabilities: ['a'] } },
    },
    {
      ...{ route: 'POST /v1/keys', path: '/v1/keys', action: 'key.create' },
      ...{ body: { label: 'l', scopes: ['claims'] }, detail: { label: 'l', scopes: ['claims'] } },
    },
    ...on('keys/{id}', String(apiKey.id), 'key', { rotate: { overlap_seconds: 60 } }),
    {
      ...{ route: 'DELETE /v1/keys/{id}', path: `/v1/keys/${String(apiKey.id)}`, action: 'key.revoke' },
      subject: String(apiKey.id),
    },
    {
      ...{ route: 'POST /v1/files/free', path: '/v1/files/free', action: 'files.free', subject: '' },
      ...{ body: { path: 'a.ts', reason: 'because' }, detail: { path: 'a.ts', reason: 'because' } },
    },
    ...on('public-keys/{id}', String(key.id), 'public-key', { revoke: undefined }),
    {
      ...{ route: 'POST /v1/services', path: '/v1/services', action: 'service.deploy' },
      ...{ body: { name: 'new', ...SERVICE }, detail: { name: 'new' } },
    },
    ...on('services/{id}', stopped ?? '', 'service', { stop: undefined }),
    ...on('services/{id}', restarted ?? '', 'service', { restart: undefined }),
    {
      ...{
        route: 'DELETE /v1/services/{id}',
        path: `/v1/services/${removed ?? ''}`,
        action: 'service.remove',
      },
      subject: removed ?? '',
    },
    {
      ...{ route: 'PATCH /v1/services/{id}', path: `/v1/services/${scaled ?? ''}`, action: 'service.scale' },
      ...{ subject: scaled ?? '', body: { replicas: 2 }, detail: { replicas: 2 } },
    },
    {
      ...{ route: 'POST /v1/replicate/snapshot', path: '/v1/replicate/snapshot', action: 'snapshot.import' },
      ...{
        subject: '',
        body: { nodeId: 'old', hosts: [hostRecord('old')], jobs: [] },
        detail: { nodeId: 'old' },
      },
    },
    {
      ...{ route: 'POST /v1/webhooks', path: '/v1/webhooks', action: 'webhook.create', body: hook },
      detail: { url: 'https://example.com', event_types: ['failed'] },
    },
    ...on('webhooks/{id}', String(one.id), 'webhook', { 'rotate-secret': undefined, test: undefined }),
    {
      ...{ route: 'POST /v1/webhooks/{id}/deliveries/{deliveryId}/redeliver', action: 'webhook.redeliver' },
      path: `/v1/webhooks/${String(one.id)}/deliveries/${String(delivery.id)}/redeliver`,
      subject: `${String(one.id)}/${String(delivery.id)}`,
    },
    {
      ...{
        route: 'PATCH /v1/webhooks/{id}',
        path: `/v1/webhooks/${String(one.id)}`,
        action: 'webhook.change',
      },
      ...{ subject: String(one.id), body: { url: `https://example.net/${HIDDEN}`, enabled: false } },
      detail: { url: 'https://example.net', enabled: false },
    },
    {
      ...{
        route: 'DELETE /v1/webhooks/{id}',
        path: `/v1/webhooks/${String(two.id)}`,
        action: 'webhook.delete',
      },
      subject: String(two.id),
    },
  ];
  return { api, acts };
}

/** Acts that are `POST /v1/{place}/{verb}`, with their bodies, all of which are written down. */
function on(
  place: string,
  id: string,
  kind: string,
  verbs: Readonly<Record<string, object | undefined>>,
): Act[] {
  return Object.entries(verbs).map(([verb, body]) => ({
    route: `POST /v1/${place}/${verb}`,
    path: `/v1/${place.replace(/\{\w+\}/, encodeURIComponent(id))}/${verb}`,
    action: `${kind}.${verb}`,
    subject: id,
    ...(body === undefined ? {} : { body, detail: body }),
  }));
}

async function made(reply: Promise<Reply>): Promise<Reply> {
  const { status, text } = await reply;
  if (status !== 200) throw new Error(text);
  return reply;
}
