import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import { gatewayConfig, type RunningGateway } from '../../src/gateway/index.js';
import { Env } from '../../src/platform/config/env.js';
import { type Json } from '../support/json.js';
import { GatewayFixture } from './fixture.js';
import { RawAgent, type RawAgentOptions } from './raw-agent.js';

export const TOKEN = 'right';

/** Settings of a gateway that takes agents, and executes nothing itself. */
export const SETTINGS = {
  SKYNET_AUTH_TOKEN: TOKEN,
  SKYNET_WS_HOST: '127.0.0.1',
  SKYNET_WS_PORT: '0',
  SKYNET_ALLOWED_ROOTS: ';',
};

/** What a gateway answers when nobody is there to execute. */
export const NOBODY = {
  status: 503,
  body: { error: 'No agent connected and SSH fallback is not configured.', outcome: 'not_executed' },
};

export const keyOf = (task_id: string): Json => ({ task_id, idempotency_key: 'k' });

/** A gateway for each test of a file, and the agents that it connects. */
export class AgentStage {
  fixture!: GatewayFixture;
  gateway!: RunningGateway;
  private readonly agents: RawAgent[] = [];

  static forTests(): AgentStage {
    const stage = new AgentStage();
    beforeAll(async () => {
      stage.fixture = await GatewayFixture.create();
    });
    afterAll(() => stage.fixture.close());
    beforeEach(async () => {
      stage.gateway = await stage.start();
    });
    afterEach(async () => {
      for (const agent of stage.agents.splice(0)) agent.terminate();
      await stage.gateway.close();
    });
    return stage;
  }

  /** A gateway with the clocks of a fast world. */
  start(env: Record<string, string> = {}, rivalPongWithinMs = 500): Promise<RunningGateway> {
    const { agents: base } = gatewayConfig(new Env({ ...SETTINGS, ...env }));
    if (base === undefined) throw new Error('A token makes a socket.');
    const fast = { ...base, pingEveryMs: 300, pongWithinMs: 2_000, rivalPongWithinMs, helloWithinMs: 500 };
    return this.fixture.start({ env: { ...SETTINGS, ...env }, config: { agents: fast } });
  }

  async connect(options: RawAgentOptions = {}, gateway = this.gateway): Promise<RawAgent> {
    const agent = await RawAgent.connect(`${gateway.agentsUrl ?? ''}/agent/ws`, { token: TOKEN, ...options });
    this.agents.push(agent);
    return agent;
  }

  /** An agent that has the seat. */
  async seated(options: RawAgentOptions = {}, gateway = this.gateway): Promise<RawAgent> {
    const agent = await this.connect(options, gateway);
    await agent.heard('resume');
    return agent;
  }

  async sessions(): Promise<Json[]> {
    return ((await (await fetch(`${this.gateway.url}/sessions`)).json()) as Json).sessions;
  }
}
