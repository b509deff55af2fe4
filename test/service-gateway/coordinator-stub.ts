import { type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { type Service, type ServiceStatus } from '../../src/contracts/skyclaw.js';
import { reply, StubServer } from '../support/stub-server.js';

export interface StubService {
  readonly id: string;
  readonly name: string;
  readonly endpoints: readonly string[];
  readonly status?: ServiceStatus;
  readonly healthPath?: string;
}

/** A coordinator that knows one route: the list of services, as a test has written it. */
export class CoordinatorStub extends StubServer {
  /** What each look sent, newest last. */
  readonly looks: { readonly url: string; readonly token: string | undefined }[] = [];
  /** Whether it tells versions and waits for changes. */
  hasVersions = false;
  /** Answers with this instead of the list. */
  failWith: number | undefined;
  /** Services on one page. */
  pageSize = 200;
  private services: readonly StubService[] = [];
  private version = 1;

  list(services: readonly StubService[]): void {
    this.services = services;
    this.version++;
  }

  protected async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://stub');
    const token = request.headers['x-skyclaw-token'];
    this.looks.push({ url: request.url ?? '', token: typeof token === 'string' ? token : undefined });
    if (this.failWith !== undefined) {
      reply(response, this.failWith, { error: 'no' });
      return;
    }
    if (url.pathname !== '/v1/services') {
      reply(response, 404, { error: 'not found' });
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
    reply(response, 200, {
      services: page.map(asService),
      ...(next < this.services.length ? { next_cursor: String(next) } : {}),
    });
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
