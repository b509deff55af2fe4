import { type Json } from '../support/json.js';
import { kinds, type Pool } from './known.js';
import { type Secrets } from './secrets.js';

/** Asks with every credential of the installation; throws unless it is answered with 2xx. */
export type Ask = (
  method: string,
  path: string,
  body?: object,
  headers?: Record<string, string>,
) => Promise<Json>;

export interface Stage {
  readonly ask: Ask;
  readonly secrets: Secrets;
  readonly gatewayUrl: string;
  readonly receiverUrl: string;
  /** A key of the public API. */
  readonly publicKey: string;
}

const HELD = 6;
/** `red` is the project of the key that is bound to one. */
const projectsOf = (round: number) => ['red', 'default', `r${round}-a`, `r${round}-b`];
const PATHS = ['src/', 'src/a.ts', 'src/**/*.ts', 'docs/b.md', '{x,y}/*.md', 'README.md'];

/**
 * Brings about things of every kind in every state, so that what a request names is often there, and lifts whatever
 * earlier requests have stopped. `round` makes ids of its own: those of earlier rounds are used up.
 */
export async function prepare(stage: Stage, round: number): Promise<Pool> {
  const { ask } = stage;
  await ask('POST', '/v1/queue/resume');
  for (const project of projectsOf(round)) await ask('POST', `/v1/projects/${project}/resume`);
  const tasks = await prepareTasks(stage, round);
  const hosts = await prepareHosts(stage, round);
  const rest = await prepareRest(stage, round);
  const empty = Object.fromEntries(kinds.map((kind) => [kind, [] as readonly string[]])) as unknown as Pool;
  return {
    ...empty,
    ...{ ...tasks, ...hosts, ...rest, project: projectsOf(round), path: PATHS },
    ...{ capability: ['shell', 'openclaw', 'python', 'service-host'], receiverUrl: [stage.receiverUrl] },
    gatewayUrl: [stage.gatewayUrl, 'http://127.0.0.1:9'],
  };
}

async function prepareTasks({ ask, secrets }: Stage, round: number): Promise<Partial<Pool>> {
  const of = (name: string) => `r${round}-${name}`;
  const enqueue = (task_id: string, more: object) =>
    ask('POST', '/v1/tasks/enqueue', { task_id, action: 'act', delivery: 'pull', ...more });
  const [worker, lane] = [of('worker'), of('lane')];
  await ask('POST', '/v1/register-worker', { worker_id: worker, capabilities: [lane] });
  // Each holds a file of its own, in projects where nobody else has a pattern that meets it.
  const projects = projectsOf(round).slice(-2);
  for (let n = 0; n < HELD; n++) {
    const project_id = projects[n % projects.length];
    await enqueue(of(`held${n}`), {
      project_id,
      required_files: [of(`f${n}`)],
      required_capabilities: [lane],
    });
  }
  const claim = { worker_id: worker, capabilities: [lane], max: HELD };
  const held = (await ask('POST', '/v1/tasks/claim', claim)).tasks as Json[];
  for (const task of held) {
    secrets.add('the claim token of somebody', task.claim_token);
    secrets.add('the run token of somebody', task.run_token);
  }
  const [done, broken, ...open] = held;
  for (const task of held.slice(0, HELD / 2))
    await ask('POST', `/v1/tasks/${task.id}/start`, { worker_id: worker, claim_token: task.claim_token });
  const end = (task: Json, success: boolean) =>
    ask('POST', `/v1/tasks/${task.id}/complete`, {
      worker_id: worker,
      claim_token: task.claim_token,
      success,
    });
  await end(done, true);
  await end(broken, false);
  await enqueue(of('ready'), {});
  await enqueue(of('parked'), { required_files: [of('f2')], project_id: projects[0] });
  await enqueue(of('red'), { project_id: 'red', files: [{ path: 'src/' }] });
  await enqueue(of('child'), { dependencies: [open[0].id] });
  await enqueue(of('later'), { run_at: '2030-01-01T00:00:00Z' });
  await enqueue(of('push'), { delivery: 'push' });
  await enqueue(of('gone'), {});
  await ask('POST', `/v1/tasks/${of('gone')}/cancel`);
  const states = ['ready', 'red', 'parked', 'child', 'later', 'push', 'gone'].map(of);
  return {
    ...{ task: [...states, done.id, broken.id], worker: [worker] },
    ...{
      heldTask: open.map(({ id }) => id as string),
      heldToken: open.map((task) => task.claim_token as string),
    },
    heldWorker: open.map(() => worker),
  };
}

async function prepareHosts({ ask, secrets }: Stage, round: number): Promise<Partial<Pool>> {
  const [host, lane] = [`r${round}-host`, `r${round}-lane`];
  await ask('POST', '/v1/hosts/register', {
    ...{
      hostId: host,
      name: host,
      capabilities: ['shell', 'openclaw', 'service-host', lane],
      maxParallel: 10,
    },
  });
  const service = {
    serviceId: `r${round}-service`,
    name: `r${round}-service`,
    command: 'serve',
    requiredCapabilities: [lane],
  };
  await ask('POST', '/v1/services', service);
  await ask('POST', `/v1/hosts/${host}/services/claim`, {});
  const job = async () => {
    const requirement = { capabilities: [lane] };
    return (await ask('POST', '/v1/jobs', { payload: { kind: 'openclaw-run' }, requirement })).job
      .id as string;
  };
  const jobs: string[] = [];
  for (let n = 0; n < 4; n++) jobs.push(await job());
  const leased: Json[] = [];
  for (let n = 0; n < 3; n++) {
    const { job: one } = await ask('POST', `/v1/hosts/${host}/claim`, {});
    if (one === null) break;
    leased.push(one);
    secrets.add('the lease token of a job', one.leaseToken);
  }
  return {
    ...{ job: jobs, host: [host], service: [service.serviceId], leaseHost: [host] },
    ...{
      heldJob: leased.map(({ id }) => id as string),
      leaseToken: leased.map((one) => one.leaseToken as string),
    },
  };
}

async function prepareRest(stage: Stage, round: number): Promise<Partial<Pool>> {
  const { ask, secrets, gatewayUrl, receiverUrl, publicKey } = stage;
  const of = (name: string) => `r${round}-${name}`;
  const credential = secrets.add('the credential of a gateway', `gateway-credential-${round}-0123456789`);
  const gateways = [of('gateway'), of('openclaw')];
  await ask('POST', '/v1/register-gateway', { gateway_id: gateways[0], host: gatewayUrl });
  const openclaw = { gateway_id: gateways[1], host: gatewayUrl, protocol: 'openclaw', credential };
  await ask('POST', '/v1/register-gateway', openclaw);
  await ask('POST', '/v1/schedules', {
    schedule_id: of('schedule'),
    cron: '0 0 1 1 *',
    task: { action: 'act' },
  });
  const key = await ask('POST', '/v1/keys', { label: of('key'), scopes: ['tasks:read'] });
  secrets.add('the secret of a key', key.secret);
  const open = await ask('POST', '/v1/public-keys', { label: of('key'), capabilities: ['openclaw'] });
  secrets.add('the secret of a public key', open.secret);
  const authorization = `Bearer ${publicKey}`;
  const job = await ask('POST', '/v1/public/jobs', { payload: { kind: 'openclaw-run' } }, { authorization });
  // There may be only so many webhooks: what earlier rounds and requests have made goes first.
  for (const { id } of (await ask('GET', '/v1/webhooks?limit=500')).webhooks as Json[])
    await ask('DELETE', `/v1/webhooks/${id}`);
  const hook = await ask('POST', '/v1/webhooks', { url: receiverUrl, event_types: ['enqueued'] });
  secrets.add('the secret of a webhook', hook.secret);
  const { delivery } = await ask('POST', `/v1/webhooks/${hook.webhook.id}/test`);
  return {
    ...{
      gateway: gateways,
      schedule: [of('schedule')],
      apiKey: [key.key.id],
      publicKey: [open.key.id],
    },
    ...{ publicJob: [job.job.id], webhook: [hook.webhook.id], delivery: [delivery.id] },
  };
}
