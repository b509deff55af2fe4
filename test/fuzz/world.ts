import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type http from 'node:http';
import { Program } from '../support/program.js';
import { ScriptableGateway } from '../support/scriptable-gateway.js';
import { reply, StubServer } from '../support/stub-server.js';
import { Client, type Exchange } from './client.js';
import { type Pool } from './known.js';
import { type Ask, prepare, type Stage } from './prepare.js';
import { type Credential, type FuzzRequest } from './requests.js';
import { Secrets } from './secrets.js';

/** Takes whatever webhooks bring. */
class Receiver extends StubServer {
  protected serve(_request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    reply(response, 200, {});
    return Promise.resolve();
  }
}

const secretOf = (name: string) => `${name}-${randomBytes(12).toString('hex')}`;

/** A control plane of its own process with everything that it can do, a gateway, a receiver, and callers of every kind. */
export class World {
  private pool: Pool | undefined;
  private round = 0;
  private refreshing: Promise<void> | undefined;
  private readonly underWay = new Set<Promise<Exchange>>();

  private constructor(
    private readonly client: Client,
    readonly secrets: Secrets,
    private readonly program: Program,
    private readonly url: string,
    private readonly stubs: readonly StubServer[],
    private readonly stage: Stage,
  ) {}

  static async start(databaseUrl: string): Promise<World> {
    const secrets = new Secrets();
    const [gateway, receiver] = [await ScriptableGateway.start(), await Receiver.start()];
    const [root, token, publicKey] = [
      secrets.add('SKYNET_API_KEY', secretOf('root')),
      secrets.add('SKYCLAW_TOKEN', secretOf('token')),
      secrets.add('SKYCLAW_PUBLIC_API_KEYS', secretOf('public')),
    ];
    secrets.add('the password of the database', new URL(databaseUrl).password || secretOf('none'));
    const program = Program.start('skynet', ['serve'], {
      DATABASE_URL: databaseUrl,
      ...{ SKYNET_PORT: '0', SKYNET_HOST: '127.0.0.1', SKYNET_LOG_LEVEL: 'debug' },
      ...{
        SKYNET_API_KEY: root,
        SKYCLAW_TOKEN: token,
        SKYCLAW_PUBLIC_API_KEYS: `${publicKey}:fuzz:openclaw`,
      },
      ...{ SKYNET_DIAGNOSTIC_RATE_LIMIT_PER_MIN: '0', SKYCLAW_PUBLIC_RATE_LIMIT_PER_MIN: '1000000' },
      SKYNET_SECRETS_KEY: secrets.add('SKYNET_SECRETS_KEY', randomBytes(32).toString('hex')),
      ...{ SKYNET_WEBHOOK_ALLOW_HTTP: '1', SKYNET_WEBHOOK_ALLOWED_NETWORKS: '127.0.0.1' },
      OPENCLAW_GATEWAY_URLS: gateway.url,
      OPENCLAW_GATEWAY_TOKEN: secrets.add('OPENCLAW_GATEWAY_TOKEN', secretOf('gateway')),
    });
    const stubs = [gateway, receiver];
    try {
      const url = await program.line(/SKYNET control plane: (\S+)/);
      const ask = askerOf(url, { 'x-api-key': root, 'x-skyclaw-token': token });
      const shown = await callers(ask, secrets, { root, token, publicKey });
      const client = new Client(url, (as) => shown[as]);
      const stage = { ask, secrets, gatewayUrl: gateway.url, receiverUrl: receiver.url, publicKey };
      const world = new World(client, secrets, program, url, stubs, stage);
      await world.refresh();
      return world;
    } catch (error) {
      await program.kill('SIGKILL');
      await Promise.all(stubs.map((stub) => stub.close()));
      throw error;
    }
  }

  /** Sends a request once what it may name is there. */
  async send(request: FuzzRequest): Promise<Exchange> {
    while (this.refreshing !== undefined) await this.refreshing;
    if (this.pool === undefined) throw new Error('Nothing has been prepared.');
    const exchange = this.client.send(request, this.pool);
    this.underWay.add(exchange);
    return exchange.finally(() => this.underWay.delete(exchange));
  }

  /** Makes everything anew that requests may have used up, while none is under way. */
  async refresh(): Promise<void> {
    this.refreshing ??= Promise.all(this.underWay)
      .then(() => prepare(this.stage, this.round++))
      .then((pool) => void (this.pool = pool))
      .finally(() => (this.refreshing = undefined));
    await this.refreshing;
  }

  /** Bytes that the control plane has in memory. */
  memory(): number {
    const status = readFileSync(`/proc/${this.program.child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
  }

  get log(): string {
    return this.program.stdout + this.program.stderr;
  }

  get isAlive(): boolean {
    return this.program.child.exitCode === null && this.program.child.signalCode === null;
  }

  /** Whether it still answers whoever asks for something ordinary. */
  async isWell(): Promise<boolean> {
    const { status } = await fetch(`${this.url}/readyz`);
    return status === 200;
  }

  /** Ends it as an operator would; its exit code. */
  async end(): Promise<number | string> {
    this.client.close();
    const code = await this.program.kill('SIGTERM');
    await Promise.all(this.stubs.map((stub) => stub.close()));
    return code;
  }
}

function askerOf(url: string, own: Readonly<Record<string, string>>): Ask {
  return async (method, path, body, headers = {}) => {
    const response = await fetch(url + path, {
      ...{ method, headers: { ...own, ...headers } },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text}`);
    return JSON.parse(text);
  };
}

/** What each kind of caller shows. */
async function callers(
  ask: Ask,
  secrets: Secrets,
  { root, token, publicKey }: Readonly<Record<'root' | 'token' | 'publicKey', string>>,
): Promise<Readonly<Record<Credential, Readonly<Record<string, string>>>>> {
  const key = async (...scopes: string[]) => {
    const made = await ask('POST', '/v1/keys', { label: scopes.join(' '), scopes });
    return { id: made.key.id as string, headers: bearer(secrets.add('the secret of a key', made.secret)) };
  };
  const bound = await ask('POST', '/v1/keys', { label: 'red', scopes: ['admin'], project_id: 'red' });
  const revoked = await key('admin');
  await ask('DELETE', `/v1/keys/${revoked.id}`);
  await ask('POST', '/v1/tasks/enqueue', {
    task_id: 'run',
    action: 'act',
    delivery: 'pull',
    required_capabilities: ['run'],
  });
  const claim = { worker_id: 'runner', capabilities: ['run'], start: true };
  const { task } = await ask('POST', '/v1/tasks/claim', claim);
  return {
    admin: (await key('admin')).headers,
    environment: { 'x-api-key': root, 'x-skyclaw-token': token },
    reader: (await key('tasks:read')).headers,
    writer: (await key('tasks:write', 'jobs:submit', 'services:deploy')).headers,
    claimer: (await key('claims')).headers,
    project: bearer(secrets.add('the secret of a key of a project', bound.secret)),
    run: bearer(secrets.add('a run token', task.run_token)),
    ...{ skyclaw: { 'x-skyclaw-token': token }, public: bearer(publicKey), revoked: revoked.headers },
    ...{ none: {}, wrong: bearer('wrong'), two: { 'x-api-key': root, ...bearer('wrong') } },
  };
}

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
