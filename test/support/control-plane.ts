import { type FastifyInstance } from 'fastify';
import { createControlPlane, controlPlaneConfig, openDatabase } from '../../src/control-plane/index.js';
import { Env } from '../../src/platform/config/env.js';
import { type Database } from '../../src/platform/database/database.js';
import { databaseOf } from '../../src/platform/database/connect.js';
import { createLogger } from '../../src/platform/logging/logger.js';
import { createTestDatabase } from './database.js';
import { type Json } from './json.js';

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** The parsed body; undefined when it is not JSON. */
  readonly body: Json;
}

export interface TestControlPlane {
  readonly url: string;
  readonly databaseUrl: string;
  readonly database: Database;
  /** The server below the application, for what a request cannot show. */
  readonly server: FastifyInstance;
  /** Any service of the application. */
  get<T>(type: abstract new (...args: never[]) => T): T;
  query<R extends Record<string, unknown>>(text: string, values?: unknown[]): Promise<R[]>;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
  fetch(path: string, headers?: Record<string, string>): Promise<Reply>;
  close(): Promise<void>;
}

export interface TestControlPlaneOptions {
  /** Settings, over those that make a quiet control plane: no gateways, no rate limit, no loops that claim or reap. */
  readonly env?: Record<string, string>;
  /** A database to share with another replica; without it the control plane gets one of its own, dropped at the end. */
  readonly databaseUrl?: string;
}

const QUIET = {
  OPENCLAW_GATEWAY_URLS: ',',
  SKYNET_DIAGNOSTIC_RATE_LIMIT_PER_MIN: '0',
  SKYNET_CONTROL_SCHEDULER_ENABLED: '0',
  SKYNET_STALE_LOCK_REAPER_ENABLED: '0',
  SKYNET_LOG_LEVEL: 'silent',
  SKYNET_PORT: '0',
};

/** A control plane in this process, listening on a free port. */
export async function startTestControlPlane(
  options: TestControlPlaneOptions = {},
): Promise<TestControlPlane> {
  const own = options.databaseUrl === undefined ? await createTestDatabase() : undefined;
  const databaseUrl = options.databaseUrl ?? own?.url ?? '';
  const config = controlPlaneConfig(new Env({ ...QUIET, ...options.env }));
  const logger = createLogger('test', config.logLevel);
  const dataSource = await openDatabase({ config, databaseUrl, logger });
  const app = await createControlPlane({ config, databaseUrl, logger }, dataSource);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const url = await app.getUrl();
  const call: TestControlPlane['call'] = async (method, path, body, headers = {}) => {
    const response = await fetch(url + path, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      text,
      body: parsed(text),
    };
  };
  return {
    url,
    databaseUrl,
    database: databaseOf(dataSource),
    server: app.getHttpAdapter().getInstance(),
    get: (type) => app.get(type, { strict: false }),
    query: (text, values) => dataSource.query(text, values),
    call,
    post: (path, body = {}, headers) => call('POST', path, body, headers),
    fetch: (path, headers) => call('GET', path, undefined, headers),
    close: async () => {
      await app.close();
      await own?.drop();
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
