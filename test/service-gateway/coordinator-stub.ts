import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, type Socket } from 'node:net';
import { type Service, type ServiceStatus } from '../../src/contracts/skyclaw.js';
import { setTimeout as wait } from 'node:timers/promises';

export interface StubService {
  readonly id: string;
  readonly name: string;
  readonly endpoints: readonly string[];
  readonly status?: ServiceStatus;
  readonly healthPath?: string;
}

/** A coordinator that knows one route: the list of services, as a test has written it. */
export class CoordinatorStub {
  /** What each look sent, newest last. */
  readonly looks: { readonly url: string; readonly token: string | undefined }[] = [];
  /** Whether it tells versions and waits for changes. */
  hasVersions = false;
  /** Answers with this instead of the list. */
  failWith: number | undefined;
  /** Services on one page. */
  pageSize = 200;
  private services: readonly StubService[] = [];
  /** Where it listens, or did when it was last started. */
  port = 0;
  private version = 1;
  private readonly sockets = new Set<Socket>();
  private server: http.Server;

  private constructor() {
    this.server = this.create();
  }

  static async start(services: readonly StubService[] = []): Promise<CoordinatorStub> {
    const stub = new CoordinatorStub();
    stub.services = services;
    await stub.listen(0);
    return stub;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  list(services: readonly StubService[]): void {
    this.services = services;
    this.version++;
  }

  async listen(port: number): Promise<void> {
    this.server = this.create();
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    if (!this.server.listening) return;
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private create(): http.Server {
    const server = http.createServer((request, response) => void this.answer(request, response));
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    return server;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://stub');
    const token = request.headers['x-skyclaw-token'];
    this.looks.push({ url: request.url ?? '', token: typeof token === 'string' ? token : undefined });
    if (this.failWith !== undefined) {
      response.writeHead(this.failWith).end(JSON.stringify({ error: 'no' }));
      return;
    }
    if (url.pathname !== '/v1/services') {
      response.writeHead(404).end('{"error":"not found"}');
      return;
    }
    const since = url.searchParams.get('since');
    const endAtMs = performance.now() + Number(url.searchParams.get('wait_ms') ?? 0);
    while (this.hasVersions && since === String(this.version)) {
      if (performance.now() > endAtMs || response.destroyed) {
        response.writeHead(304, { 'x-services-version': String(this.version) }).end();
        return;
      }
      await wait(5);
    }
    if (this.hasVersions) response.setHeader('x-services-version', String(this.version));
    const from = Number(url.searchParams.get('cursor') ?? 0);
    const page = this.services.slice(from, from + this.pageSize);
    const next = from + this.pageSize;
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({
        services: page.map(asService),
        ...(next < this.services.length ? { next_cursor: String(next) } : {}),
      }),
    );
  }
}

function asService({ id, name, endpoints, status = 'running', healthPath }: StubService): Service {
  const then = new Date(0).toISOString();
  return {
    ...{ id, name, status, command: 'node', args: [], requiredCapabilities: ['service-host'] },
    ...(healthPath === undefined ? {} : { healthPath }),
    ...{ replicas: endpoints.length, slot: 0, generation: 1, version: 1 },
    ...{ createdAt: then, updatedAt: then, updatedBy: 'node_stub' },
    assignments: endpoints.map((endpoint, index) => ({
      ...{ hostId: `host_${index}`, status: 'running' as const, endpoint },
      ...{ slot: 0, generation: 1, restarts: 0, updatedAt: then },
    })),
  };
}
