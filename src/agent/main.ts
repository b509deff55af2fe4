import { type Readable, type Writable } from 'node:stream';
import { ActionRunner } from '../actions/index.js';
import { type Logger } from '../platform/logging/logger.js';
import { productVersion } from '../platform/product-version.js';
import { openTracer } from '../platform/tracing/open-tracer.js';
import { StateDir } from '../platform/state-dir/state-dir.js';
import { ActionDesk } from './actions/action-desk.js';
import { ExecutionMemory } from './actions/execution-memory.js';
import { ConfigError } from '../platform/config/config-error.js';
import { type AgentConfig } from './agent.config.js';
import { AuditLog } from './audit/audit-log.js';
import { GatewayLink } from './gateway/gateway-link.js';
import { NoOperator } from './operator/operator.js';
import { TerminalOperator } from './operator/terminal-operator.js';

/** How long a person may take to confirm: short enough that whoever waits for the action hears of it. */
const CONFIRM_WITHIN_MS = 60_000;

export interface AgentOptions {
  readonly config: AgentConfig;
  readonly logger: Logger;
  /** A line for the operator. */
  readonly say: (line: string) => void;
  /** What actions may see of the environment; they get a small part of it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where a person can be asked; undefined: nobody can, and what wants confirmation is denied. */
  readonly terminal: { readonly input: Readable; readonly output: Writable } | undefined;
}

export interface RunningAgent {
  /** Takes no more actions, lets running ones finish, kills what is left, and closes. May be called twice. */
  close(): Promise<void>;
}

/**
 * Starts the agent, which connects to its gateway for as long as the process lives. Throws an {@link ConfigError} for
 * what only an operator can mend.
 */
export async function startAgent({
  config,
  logger,
  say,
  env,
  terminal,
}: AgentOptions): Promise<RunningAgent> {
  const state = StateDir.open(config.stateDir, {
    owner: 'agent',
    setting: 'SKYNET_AGENT_STATE_DIR',
    refuse: (text) => new ConfigError(text),
  });
  const memory = new ExecutionMemory(state, logger);
  const agentId = memory.id();
  const tracer = await openTracer(config.tracing, { program: 'agent', instance: agentId }, logger);
  const operator =
    terminal === undefined
      ? new NoOperator()
      : new TerminalOperator({ ...terminal, limitMs: CONFIRM_WITHIN_MS });
  const runner = new ActionRunner({
    roots: config.allowedRoots,
    env,
    config: config.actions,
    confirm: (execution) => operator.confirm(execution),
  });
  const desk = new ActionDesk({
    runner,
    memory,
    audit: new AuditLog({ path: state.file('audit.jsonl'), logger }),
    operator,
    logger,
    tracer,
  });
  const link = new GatewayLink({
    config,
    hello: {
      type: 'agent_hello',
      agent_version: productVersion,
      capabilities: runner.capabilities,
      agent_id: agentId,
    },
    orders: desk,
    logger,
    say,
  });
  say(`Agent: ${agentId}`);
  say(`Gateway: ${config.gatewayUrl}`);
  memory.start();
  link.start();

  let closing: Promise<void> | undefined;
  const close = async () => {
    await desk.drain(config.patienceMs);
    await link.close();
    await memory.stop();
    if (operator instanceof TerminalOperator) operator.close();
    await tracer.close();
    state.release();
  };
  return { close: () => (closing ??= close()) };
}
