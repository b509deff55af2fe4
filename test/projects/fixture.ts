import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { agentConfig, startAgent } from '../../src/agent/index.js';
import { gatewayConfig, type RunningGateway, startGateway } from '../../src/gateway/index.js';
import { Env } from '../../src/platform/config/env.js';
import { createLogger } from '../../src/platform/logging/logger.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { gitHome } from '../support/git-home.js';
import { type Json } from '../support/json.js';
import { Program } from '../support/program.js';
import { StubProvider } from '../support/stub-provider.js';

export interface Reply {
  readonly status: number;
  readonly body: Json;
}

/** What a gateway of these tests is, in this process or in one of its own. */
export interface AnyGateway {
  readonly url: string;
}

/** Programs start within a second, but not on a machine that has a lot else to do. */
const START_LIMIT_MS = 60_000;

/** Settings that make a gateway which no GitHub is there for. */
const SETTINGS = { AUTO_CREATE_GITHUB_REPO: '0', SKYNET_LOG_LEVEL: 'silent', SKYNET_HTTP_PORT: '0' };

/** Settings of a gateway that takes agents. */
export const AGENTS = { SKYNET_AUTH_TOKEN: 'agents', SKYNET_WS_HOST: '127.0.0.1', SKYNET_WS_PORT: '0' };

/** A control plane in a process of its own, a provider, a folder for projects, and the gateways that a test starts. */
export class ProjectsFixture {
  private readonly closers: (() => Promise<unknown>)[] = [];
  private registered = 0;

  private constructor(
    readonly controlPlane: Program,
    readonly controlPlaneUrl: string,
    readonly provider: StubProvider,
    readonly database: TestDatabase,
    readonly sql: pg.Client,
    readonly root: string,
    readonly home: string,
    private readonly ledgerDatabase: TestDatabase,
  ) {}

  static async create(env: Record<string, string> = {}): Promise<ProjectsFixture> {
    const [database, ledgerDatabase] = [await createTestDatabase(), await createTestDatabase()];
    const controlPlane = Program.start('skynet', ['serve'], {
      DATABASE_URL: ledgerDatabase.url,
      SKYNET_PORT: '0',
      SKYNET_LOG_LEVEL: 'silent',
      SKYNET_DIAGNOSTIC_RATE_LIMIT_PER_MIN: '0',
      SKYNET_GATEWAY_PROBE_SECS: '1',
      ...env,
    });
    const url = await controlPlane
      .line(/SKYNET control plane: (\S+)/, START_LIMIT_MS)
      .catch(async (error: unknown) => {
        await controlPlane.kill('SIGKILL');
        throw error;
      });
    const sql = new pg.Client({ connectionString: database.url });
    await sql.connect();
    const provider = await StubProvider.start();
    return new ProjectsFixture(
      controlPlane,
      url,
      provider,
      database,
      sql,
      realpathSync(mkdtempSync(join(tmpdir(), 'skynet-projects-test-'))),
      gitHome(),
      ledgerDatabase,
    );
  }

  /** A gateway in this process. Without roots nobody is there to execute. */
  async start(
    env: Record<string, string> = {},
    { registered = true, models = true, databaseUrl = this.database.url } = {},
  ): Promise<RunningGateway> {
    const config = gatewayConfig(new Env({ ...this.settings(models), ...env }));
    const gateway = await startGateway({
      // The tests say themselves which gateways the control plane knows.
      config: {
        ...config,
        patienceMs: 100,
        registration: undefined,
        projects: { ...config.projects, lookGapMs: 100 },
      },
      databaseUrl,
      logger: createLogger('test', 'silent'),
      env: { ...process.env, HOME: this.home },
    });
    this.closers.push(() => gateway.close());
    if (registered) await this.register(gateway);
    return gateway;
  }

  /** A gateway that executes tasks and knows nothing of the projects of the others. */
  async startExecutor(): Promise<RunningGateway> {
    const database = await createTestDatabase();
    const gateway = await this.start({}, { databaseUrl: database.url });
    this.closers.push(async () => {
      await gateway.close();
      await database.drop();
    });
    return gateway;
  }

  /** A gateway in a process of its own, which can be killed; the control plane does not know it. */
  async startProgram(env: Record<string, string> = {}): Promise<AnyGateway & { readonly program: Program }> {
    const program = Program.run('test/support/start-project-gateway.mjs', [], {
      ...this.settings(),
      DATABASE_URL: this.database.url,
      HOME: this.home,
      ...env,
    });
    this.closers.push(() => program.kill('SIGKILL'));
    return { url: await program.line(/OpenClaw gateway: (\S+)/, START_LIMIT_MS), program };
  }

  /** An agent of a gateway that takes agents with {@link AGENTS}, for as long as the returned function is not called. */
  async attachAgent(gateway: RunningGateway): Promise<() => Promise<void>> {
    const state = mkdtempSync(join(tmpdir(), 'skynet-agent-state-'));
    const agent = await startAgent({
      config: agentConfig(
        new Env({
          ...{ ...AGENTS, SKYNET_GATEWAY_URL: `${gateway.agentsUrl ?? ''}/agent/ws` },
          ...{ SKYNET_ALLOWED_ROOTS: this.root, SKYNET_AGENT_STATE_DIR: state },
        }),
      ),
      logger: createLogger('test', 'silent'),
      say: () => undefined,
      env: { ...process.env, HOME: this.home },
      terminal: undefined,
    });
    const close = async () => {
      await agent.close();
      rmSync(state, { recursive: true, force: true });
    };
    this.closers.push(close);
    await eventually('the agent is connected', async () => {
      const { body } = await call(gateway.url, 'GET', '/sessions');
      return body.sessions.some((session: Json) => session.session_id !== 'local') ? true : undefined;
    });
    return close;
  }

  /** Lets the leases of a killed gateway run out, which takes 15 s otherwise, and what it was executing count as dead. */
  async timePasses(): Promise<void> {
    await this.sql.query('update gateway.projects set held_until = now() where holder is not null');
    await this.sql.query("update gateway.executions set alive_until = now() where state = 'running'");
  }

  /** Tells the control plane of a gateway. */
  async register(gateway: AnyGateway): Promise<void> {
    const gateway_id = `gateway-${++this.registered}`;
    await call(this.controlPlaneUrl, 'POST', '/v1/register-gateway', { gateway_id, host: gateway.url });
  }

  async tasks(projectId: string): Promise<Json[]> {
    const { body } = await call(this.controlPlaneUrl, 'GET', `/v1/tasks?project_id=${projectId}&limit=1000`);
    return body.tasks;
  }

  git(slug: string, ...args: readonly string[]): string {
    return execFileSync('git', args, { cwd: join(this.root, slug), encoding: 'utf8' }).trim();
  }

  async close(): Promise<void> {
    await Promise.all(this.closers.map((close) => close()));
    await this.controlPlane.kill('SIGKILL');
    await this.provider.close();
    await this.sql.end();
    await this.database.drop();
    await this.ledgerDatabase.drop();
    for (const folder of [this.root, this.home]) rmSync(folder, { recursive: true, force: true });
  }

  private settings(models = true): Record<string, string> {
    return {
      ...SETTINGS,
      SKYNET_ALLOWED_ROOTS: this.root,
      SKYNET_PROJECT_BASE_DIR: this.root,
      SKYNET_ORCHESTRATOR_URL: this.controlPlaneUrl,
      AI_PROVIDER_PRIORITY: 'groq',
      ...(models ? { GROQ_API_KEY: 'stub', GROQ_BASE_URL: this.provider.url } : {}),
    };
  }
}

/** An address at which nobody listens. */
export async function nobodyThere(): Promise<string> {
  const gone = await StubProvider.start();
  await gone.close();
  return gone.url;
}

export async function call(url: string, method: string, path: string, body?: unknown): Promise<Reply> {
  const response = await fetch(url + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

/** What people say of projects, to one gateway. */
export class ProjectsClient {
  constructor(private readonly gateway: AnyGateway) {}

  send(method: string, path: string, body?: unknown): Promise<Reply> {
    return call(this.gateway.url, method, path, body);
  }

  async create(name: string, description = ''): Promise<Json> {
    const { status, body } = await this.send('POST', '/projects', { name, description });
    if (status !== 200) throw new Error(`It was not made: ${status} ${JSON.stringify(body)}`);
    return body.project;
  }

  async get(id: string): Promise<Json> {
    return (await this.send('GET', `/projects/${id}`)).body.project;
  }

  idea(id: string, idea: string): Promise<Reply> {
    return this.send('POST', `/projects/${id}/ideas`, { idea });
  }

  order(id: string, what: 'plan' | 'approve' | 'pause' | 'resume' | 'cancel'): Promise<Reply> {
    return this.send('POST', `/projects/${id}/${what}`);
  }

  /** Waits until a project is as wanted. */
  async until(id: string, what: string, wanted: (project: Json) => boolean, limitMs?: number): Promise<Json> {
    let last: Json;
    try {
      return await eventually(
        what,
        async () => {
          last = await this.get(id);
          return wanted(last) ? last : undefined;
        },
        limitMs,
      );
    } catch (error) {
      const { status, waits_for, error: why, bootstrap_summary } = last;
      throw new Error(`${String(error)} ${JSON.stringify({ status, waits_for, why, bootstrap_summary })}`, {
        cause: error,
      });
    }
  }

  status(id: string, status: string, limitMs?: number): Promise<Json> {
    return this.until(id, `the project is ${status}`, (project) => project.status === status, limitMs);
  }
}

/** All events of a project that have been written. */
export async function eventsOf(fixture: ProjectsFixture, id: string): Promise<Json[]> {
  const { rows } = await fixture.sql.query(
    'select type, message, payload from gateway.project_events where project_id = $1 order by id',
    [id],
  );
  return rows;
}

/** A plan that writes two files, edits one of them, and commits; a second milestone adds a test and commits. */
export const SMALL_PLAN = JSON.stringify({
  summary: 'A small library.',
  milestones: [
    {
      name: 'Core',
      tasks: [
        task('add', 'file_write', { file: 'src/add.mjs', content: 'export const add = (a, b) => a + b;\n' }),
        task('sub', 'file_write', { file: 'src/sub.mjs', content: 'export const sub = (a, b) => a - b;\n' }),
        { ...task('stage', 'git_add_all', {}), dependencies: ['add', 'sub'] },
        { ...task('commit', 'git_commit', { message: 'feat: add and sub' }), dependencies: ['stage'] },
      ],
    },
    {
      name: 'Tests',
      tasks: [
        task('test', 'file_write', {
          file: 'test/add.test.mjs',
          content:
            "import assert from 'node:assert/strict';\nimport test from 'node:test';\nimport { add } from '../src/add.mjs';\n\ntest('adds', () => assert.equal(add(2, 3), 5));\n",
        }),
        { ...task('stage2', 'git_add_all', {}), dependencies: ['test'] },
        { ...task('commit2', 'git_commit', { message: 'test: add' }), dependencies: ['stage2'] },
      ],
    },
  ],
  testing: { runner: 'node' },
});

export function task(id: string, action: string, params: object): Record<string, unknown> {
  return { id, title: `Do ${id}`, action, params };
}
