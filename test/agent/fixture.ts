import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { eventually } from '../support/eventually.js';
import { type Json } from '../support/json.js';
import { Program } from '../support/program.js';
import { GatewayFixture } from '../gateway/fixture.js';

export const TOKEN = 'a token for tests';

/** A gateway program at an address that stays the same over its restarts. */
export interface GatewayProgram {
  readonly url: string;
  readonly program: Program;
}

/** A database, a folder that actions may touch, and the gateway and agent programs that a test starts on them. */
export class AgentFixture {
  private readonly programs: Program[] = [];

  private constructor(
    readonly gateway: GatewayFixture,
    readonly httpPort: number,
    readonly socketPort: number,
    /** Where agents keep their state. */
    readonly states: string,
  ) {}

  static async create(): Promise<AgentFixture> {
    const states = realpathSync(mkdtempSync(join(tmpdir(), 'skynet-agent-test-')));
    return new AgentFixture(await GatewayFixture.create(), await freePort(), await freePort(), states);
  }

  get root(): string {
    return this.gateway.root;
  }

  get url(): string {
    return `http://127.0.0.1:${this.httpPort}`;
  }

  /** A gateway that executes nothing itself. */
  async startGateway(env: Record<string, string> = {}): Promise<GatewayProgram> {
    const program = Program.start('skynet', ['gateway'], {
      DATABASE_URL: this.gateway.database.url,
      SKYNET_HTTP_PORT: String(this.httpPort),
      SKYNET_WS_HOST: '127.0.0.1',
      SKYNET_WS_PORT: String(this.socketPort),
      SKYNET_AUTH_TOKEN: TOKEN,
      SKYNET_LOG_LEVEL: 'warn',
      ...env,
    });
    this.programs.push(program);
    return { url: await program.line(/OpenClaw gateway: (\S+)/), program };
  }

  /** An agent that connects often; `env` wins. */
  startAgent(env: Record<string, string> = {}): Program {
    const program = Program.start('skynet', ['agent'], this.agentEnv(env));
    this.programs.push(program);
    return program;
  }

  agentEnv(env: Record<string, string> = {}): Record<string, string> {
    return {
      SKYNET_GATEWAY_URL: `ws://127.0.0.1:${this.socketPort}/agent/ws`,
      SKYNET_AUTH_TOKEN: TOKEN,
      SKYNET_ALLOWED_ROOTS: this.root,
      SKYNET_AGENT_STATE_DIR: join(this.states, 'one'),
      SKYNET_AGENT_RECONNECT_SECS: '0.05',
      SKYNET_LOG_LEVEL: 'info',
      ...env,
    };
  }

  async startConnectedAgent(env: Record<string, string> = {}): Promise<Program> {
    const agent = this.startAgent(env);
    await agent.line(/(Connected) to/);
    await this.untilConnected();
    return agent;
  }

  untilConnected(): Promise<Json> {
    return eventually('an agent is connected', async () => {
      const sessions = await this.sessions();
      return sessions[0];
    });
  }

  async sessions(): Promise<Json[]> {
    return ((await (await fetch(`${this.url}/sessions`)).json()) as Json).sessions;
  }

  async status(): Promise<Json> {
    return (await fetch(`${this.url}/status`)).json() as Promise<Json>;
  }

  /** The rows of a statement in the gateway's database. */
  async sql(text: string): Promise<Json[]> {
    return (await this.gateway.sql.query(text)).rows;
  }

  /** The audit log of the agent with the state folder `name`. */
  audit(name = 'one'): Json[] {
    return readFileSync(join(this.states, name, 'audit.jsonl'), 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  }

  folder(name: string): string {
    const path = join(this.root, name);
    mkdirSync(path);
    return path;
  }

  async endPrograms(): Promise<void> {
    await Promise.all(this.programs.splice(0).map((program) => program.kill('SIGKILL')));
  }

  async close(): Promise<void> {
    await this.endPrograms();
    await this.gateway.close();
    rmSync(this.states, { recursive: true, force: true });
  }
}

export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
