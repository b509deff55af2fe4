import { once } from 'node:events';
import http, { type IncomingMessage, type RequestListener } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { type Readable } from 'node:stream';
import { Env } from '../../src/platform/config/env.js';
import { createLogger } from '../../src/platform/logging/logger.js';
import {
  type RunningServiceGateway,
  type ServiceGatewayConfig,
  serviceGatewayConfig,
  startServiceGateway,
} from '../../src/service-gateway/index.js';
import { eventually } from '../support/eventually.js';
import { CoordinatorStub, type StubService } from './coordinator-stub.js';

export interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly raw: readonly string[];
  readonly body: Buffer;
}

export interface Sending {
  readonly method?: string;
  readonly headers?: http.OutgoingHttpHeaders | readonly string[];
  readonly body?: string | Buffer | Readable;
}

/** A program that listens: its URL, and the way to end it. */
export interface Upstream {
  readonly url: string;
  readonly server: http.Server;
  close(): Promise<void>;
}

/** A coordinator, the upstreams that a test starts, and the gateway between. */
export class GatewayFixture {
  private readonly upstreams: Upstream[] = [];
  private readonly gateways: RunningServiceGateway[] = [];

  private constructor(readonly coordinator: CoordinatorStub) {}

  static async create(): Promise<GatewayFixture> {
    return new GatewayFixture(await CoordinatorStub.start());
  }

  async upstream(listener: RequestListener, options: http.ServerOptions = {}): Promise<Upstream> {
    const server = http.createServer(options, listener);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const upstream = {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      server,
      close: async () => {
        if (!server.listening) return;
        server.close();
        server.closeAllConnections();
        await once(server, 'close');
      },
    };
    this.upstreams.push(upstream);
    return upstream;
  }

  /** A gateway that has the list. Probes are as good as off, unless a test wants them. */
  async start(env: Record<string, string> = {}, config: Partial<ServiceGatewayConfig> = {}): Promise<string> {
    const base = serviceGatewayConfig(
      new Env({
        SKYCLAW_GATEWAY_HOST: '127.0.0.1',
        SKYCLAW_GATEWAY_PORT: '0',
        SKYCLAW_COORDINATOR_URL: this.coordinator.url,
        SKYCLAW_GATEWAY_HEALTH_PROBE_MS: '3600000',
        SKYCLAW_GATEWAY_REFRESH_MS: '50',
        ...env,
      }),
    );
    const running = await startServiceGateway({
      config: { ...base, patienceMs: 500, ...config },
      logger: createLogger('test', 'silent'),
    });
    this.gateways.push(running);
    return running.url;
  }

  /** One service called `web` behind a gateway of its own. */
  async serving(
    listener: RequestListener,
    env: Record<string, string> = {},
  ): Promise<{ gateway: string; web: string; upstream: Upstream }> {
    const upstream = await this.upstream(listener);
    this.coordinator.list([web([upstream.url])]);
    const gateway = await this.start(env);
    return { gateway, web: `${gateway}/v1/gateway/web`, upstream };
  }

  async close(): Promise<void> {
    await Promise.all(this.gateways.map((gateway) => gateway.close()));
    await Promise.all(this.upstreams.map((upstream) => upstream.close()));
    await this.coordinator.close();
  }
}

export const web = (endpoints: readonly string[], more: Partial<StubService> = {}): StubService => ({
  id: 'svc_web',
  name: 'web',
  endpoints,
  ...more,
});

/** An address that refuses connections. */
export async function refusingUrl(): Promise<string> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

/** Sends a request on a connection of its own, and reads all of the answer as it came. */
export async function send(url: string, sending: Sending = {}): Promise<Reply> {
  const answer = await begin(url, sending);
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    raw: answer.rawHeaders,
    body: await bodyOf(answer),
  };
}

/** The same up to the head of the answer. */
export async function begin(
  url: string,
  { method = 'GET', headers = {}, body }: Sending = {},
): Promise<IncomingMessage> {
  const { hostname, port, pathname } = new URL(url);
  // The path goes out as it is written, not as URL would mend it.
  const path = url.slice(url.indexOf('/', 'http://'.length));
  const request = http.request({
    hostname,
    port,
    path: pathname === '/' && !path.startsWith('/') ? '/' : path,
    method,
    headers: Array.isArray(headers) ? headers : headers,
    agent: false,
  });
  if (body !== undefined && typeof body === 'object' && 'pipe' in body) body.pipe(request);
  else request.end(body);
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  return answer;
}

export async function bodyOf(answer: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The text of the gateway's own errors. */
export const errorOf = ({ body }: Reply): unknown =>
  (JSON.parse(body.toString()) as { error: unknown }).error;

/** Writes bytes as they are and returns all that comes back until the connection ends or `until` matches. */
export async function raw(url: string, text: string | Buffer, until?: RegExp): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = net.connect(Number(port), hostname);
  socket.on('error', () => undefined);
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
  socket.write(text);
  await eventually(`the connection ends (received: ${received.slice(0, 200)})`, () =>
    Promise.resolve(socket.destroyed || until?.test(received) === true ? true : undefined),
  );
  socket.destroy();
  return received;
}
