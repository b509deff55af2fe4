import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import {
  type GatewayConfig,
  gatewayConfig,
  type RunningGateway,
  startGateway,
} from '../../src/gateway/index.js';
import { Env } from '../../src/platform/config/env.js';
import { createLogger } from '../../src/platform/logging/logger.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { gitHome } from '../support/git-home.js';
import { type Json } from '../support/json.js';

export interface Reply {
  readonly status: number;
  readonly body: Json;
}

export interface StartOptions {
  readonly env?: Record<string, string>;
  readonly config?: Partial<GatewayConfig>;
}

/** A node test in a folder of its own that notes that it runs and then lasts until it is let go. */
export interface SlowTest {
  readonly folder: string;
  /** Parameters of a `run_tests` that runs it. */
  readonly params: { readonly working_dir: string; readonly runner: 'node' };
  /** How often it has run. */
  runs(): number;
  started(): Promise<unknown>;
  letGo(): void;
  /** The process of the test itself: a grandchild of the gateway. */
  pid(): number;
}

/** A folder that actions may touch, a database, and the gateways that a test starts on them. */
export class GatewayFixture {
  private readonly gateways: RunningGateway[] = [];
  private readonly home = gitHome();

  private constructor(
    readonly database: TestDatabase,
    readonly root: string,
    readonly sql: pg.Client,
  ) {}

  static async create(): Promise<GatewayFixture> {
    const database = await createTestDatabase();
    const root = realpathSync(mkdtempSync(join(tmpdir(), 'skynet-gateway-test-')));
    const sql = new pg.Client({ connectionString: database.url });
    await sql.connect();
    return new GatewayFixture(database, root, sql);
  }

  async start({ env = {}, config = {} }: StartOptions = {}): Promise<RunningGateway> {
    const base = gatewayConfig(
      new Env({ SKYNET_HTTP_PORT: '0', SKYNET_ALLOWED_ROOTS: this.root, SKYNET_LOG_LEVEL: 'silent', ...env }),
    );
    const gateway = await startGateway({
      config: { ...base, patienceMs: 100, ...config },
      databaseUrl: this.database.url,
      logger: createLogger('test', 'silent'),
      env: { ...process.env, HOME: this.home },
    });
    this.gateways.push(gateway);
    return gateway;
  }

  async close(): Promise<void> {
    await Promise.all(this.gateways.map((gateway) => gateway.close()));
    await this.sql.end();
    await this.database.drop();
    // Slow tests that a killed gateway has left behind end when their folder is gone.
    for (const folder of [this.root, this.home]) rmSync(folder, { recursive: true, force: true });
  }

  path(name: string): string {
    return join(this.root, name);
  }

  slowTest(name: string): SlowTest {
    const folder = this.path(name);
    const [log, gate] = [join(folder, 'log'), join(folder, 'gate')];
    mkdirSync(folder);
    writeFileSync(
      join(folder, 'slow.test.mjs'),
      `import { appendFileSync, existsSync } from 'node:fs';
       import test from 'node:test';
       appendFileSync(${JSON.stringify(log)}, process.pid + '\\n');
       test('waits', async () => {
         while (existsSync(${JSON.stringify(log)}) && !existsSync(${JSON.stringify(gate)})) {
           await new Promise((done) => setTimeout(done, 20));
         }
       });`,
    );
    // Whole lines only: the file is there before what is written to it.
    const pids = () =>
      existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(0, -1).map(Number) : [];
    return {
      folder,
      params: { working_dir: folder, runner: 'node' },
      runs: () => pids().length,
      started: () =>
        eventually('the action runs', () => Promise.resolve(pids().length > 0 ? true : undefined)),
      letGo: () => writeFileSync(gate, ''),
      pid: () => pids()[0] ?? 0,
    };
  }
}

export async function post(
  at: { readonly url: string },
  path: string,
  body: unknown = {},
  headers: Record<string, string> = {},
): Promise<Reply> {
  const response = await fetch(at.url + path, {
    method: 'POST',
    headers,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, body: JSON.parse(await response.text()) };
}

/** Sends an action that is confirmed unless `more` says otherwise. */
export function act(
  at: { readonly url: string },
  action: string,
  params: object,
  more: object = {},
): Promise<Reply> {
  return post(at, '/action', { action, params, confirmed: true, ...more });
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A process that has ended and was not yet waited for by init counts as ended.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

export function untilDead(pid: number, limitMs = 5_000): Promise<unknown> {
  return eventually(
    `process ${pid} is dead`,
    () => Promise.resolve(isAlive(pid) ? undefined : true),
    limitMs,
  );
}
