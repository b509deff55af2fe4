import {
  type Host,
  type Job,
  type JobStatus,
  type LogsResponse,
  type Rollout,
  type Service,
} from '../../contracts/skyclaw.js';
import { ApiClient } from '../api/api-client.js';
import { apiUrls } from '../api/urls.js';
import { loadEnv } from '../environment.js';

/** Rows of one call; the API gives no more. */
const PAGE = 1_000;

export type HostOrder = 'drain' | 'cordon' | 'uncordon' | 'revoke' | 'readmit';

/** A list as the API answers it, of as many pages as were asked for. */
export type Listed<K extends string, T> = Readonly<Record<K, readonly T[]>> & {
  readonly next_cursor?: string;
};

const FOR_OPERATORS =
  'this is an order of an operator; set SKYNET_API_KEY to the key of the control plane, or SKYCLAW_TOKEN to its token where there is no key.';

/** What `skyclaw` asks of the coordinator, a method a route. */
export class Coordinator {
  constructor(
    private readonly api: ApiClient,
    /** How long commands that wait bear an outage. */
    readonly patienceMs: number,
  ) {}

  enqueue(body: object): Promise<{ readonly job: Job }> {
    return this.api.send('POST', '/v1/jobs', body);
  }

  job(id: string): Promise<{ readonly job: Job }> {
    return this.api.get(`/v1/jobs/${encodeURIComponent(id)}`);
  }

  jobs(limit: number, status?: JobStatus): Promise<Listed<'jobs', Job>> {
    return this.list('/v1/jobs', 'jobs', limit, status === undefined ? {} : { status });
  }

  cancelJob(id: string, reason?: string): Promise<{ readonly job: Job }> {
    return this.api.send('POST', `/v1/jobs/${encodeURIComponent(id)}/cancel`, { reason });
  }

  logs(path: string, after?: string): Promise<LogsResponse> {
    return this.api.get(`${path}?${query({ limit: PAGE, after })}`);
  }

  /** Opens a log that goes on, after the entry that `lastId` names. */
  followLogs(path: string, lastId: string | undefined, signal: AbortSignal): Promise<Response> {
    const headers = {
      accept: 'text/event-stream',
      ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
    };
    return this.api.open(`${path}?follow=1`, headers, signal);
  }

  hosts(): Promise<Listed<'hosts', Host>> {
    return this.list('/v1/hosts', 'hosts', Infinity);
  }

  host(id: string): Promise<{ readonly host: Host }> {
    return this.api.get(`/v1/hosts/${encodeURIComponent(id)}`);
  }

  orderHost(id: string, order: HostOrder, body: object): Promise<{ readonly host: Host }> {
    return this.api.send('POST', `/v1/hosts/${encodeURIComponent(id)}/${order}`, body, {
      whenUnauthorized: FOR_OPERATORS,
    });
  }

  deploy(body: object): Promise<{ readonly service: Service }> {
    return this.api.send('POST', '/v1/services', body);
  }

  services(): Promise<Listed<'services', Service>> {
    return this.list('/v1/services', 'services', Infinity);
  }

  orderService(id: string, order: 'stop' | 'restart'): Promise<{ readonly service: Service }> {
    return this.api.send('POST', `/v1/services/${encodeURIComponent(id)}/${order}`);
  }

  deleteService(id: string): Promise<{ readonly service: Service }> {
    return this.api.send('DELETE', `/v1/services/${encodeURIComponent(id)}`);
  }

  scaleService(id: string, replicas: number): Promise<{ readonly service: Service }> {
    return this.api.send('PATCH', `/v1/services/${encodeURIComponent(id)}`, { replicas });
  }

  rollout(id: string): Promise<{ readonly rollout: Rollout }> {
    return this.api.get(`/v1/services/${encodeURIComponent(id)}/rollout`);
  }

  /** The first page as it came; further ones are added to it until there are `limit` rows or no more. */
  private async list<K extends string, T>(
    path: string,
    key: K,
    limit: number,
    filter: Readonly<Record<string, string>> = {},
  ): Promise<Listed<K, T>> {
    let rows: readonly T[] = [];
    let cursor: string | undefined;
    for (;;) {
      const size = limit === Infinity ? undefined : Math.min(PAGE, limit - rows.length);
      const search = query({ ...filter, limit: size, cursor });
      const page = await this.api.get<Listed<K, T>>(search === '' ? path : `${path}?${search}`);
      rows = [...rows, ...page[key]];
      cursor = page.next_cursor;
      if (cursor === undefined || rows.length >= limit || page[key].length === 0) {
        return { ...page, [key]: rows };
      }
    }
  }
}

/**
 * The coordinator of SKYCLAW_COORDINATOR_URLS, else of SKYCLAW_COORDINATOR_URL, with SKYCLAW_TOKEN; and with SKYNET_API_KEY if
 * it is set, which an operator's commands may want.
 */
export function openCoordinator(): Coordinator {
  const env = loadEnv();
  const several = env.list('SKYCLAW_COORDINATOR_URLS');
  const setting = several.length > 0 ? 'SKYCLAW_COORDINATOR_URLS' : 'SKYCLAW_COORDINATOR_URL';
  const urls = apiUrls(several.length > 0 ? several : [env.text('SKYCLAW_COORDINATOR_URL')], setting);
  const patienceMs = env.number('SKYCLAW_CLI_RECONNECT_SECS', { min: 0, max: 86_400 }) * 1_000;
  const token = env.text('SKYCLAW_TOKEN');
  const apiKey = env.text('SKYNET_API_KEY');
  const hints = env.warnings.map((warning) => `\n${warning}`).join('');
  const api = new ApiClient({
    name: 'coordinator',
    urls,
    headers: {
      ...(token === '' ? {} : { 'x-skyclaw-token': token }),
      ...(apiKey === '' ? {} : { 'x-api-key': apiKey }),
    },
    whenUnreachable: `Check that it runs there (skyclaw coordinator), or set ${setting} to where it does.${hints}`,
    whenUnauthorized: `${token === '' ? 'SKYCLAW_TOKEN is missing' : 'SKYCLAW_TOKEN is wrong'}; set it to the token of the coordinator.${hints}`,
  });
  return new Coordinator(api, patienceMs);
}

function query(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) search.set(name, String(value));
  }
  return search.toString();
}
