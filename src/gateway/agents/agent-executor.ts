import { randomUUID } from 'node:crypto';
import { limitSecondsOf } from '../../contracts/actions.js';
import {
  type ActionRequestFrame,
  AGENT_MEMORY_SECONDS,
  type AgentHello,
  MAX_FRAME_BYTES,
} from '../../contracts/agent-socket.js';
import { type ActionRequest } from '../../contracts/gateway-api.js';
import { readTraceContext, traceFields } from '../../platform/tracing/domain/trace-context.js';
import {
  type Executor,
  type ExecutorAnswer,
  type ExecutorMemory,
  type Session,
} from '../executors/executor.js';
import { type AgentConnection } from './agent-connection.js';
import { answerOf, memoryOf, type Reply } from './executor-answer.js';

/** An agent forgets a key so long after its end; that it is not asked any more well before spares comparing clocks. */
const ASKED_SECONDS = AGENT_MEMORY_SECONDS - 3_600;
/** How much longer than its action may run an agent is waited for: it may wait there for its turn, or for a person. */
const GIVE_UP_AFTER_MS = 1_800_000;
/** How long an agent may take to answer what it was told to kill. */
const KILLED_WITHIN_MS = 5_000;

/** A connected agent as somebody who executes actions. */
export class AgentExecutor implements Executor {
  readonly name = 'agent';
  readonly id: string;
  readonly memory?: ExecutorMemory;

  constructor(
    private readonly connection: AgentConnection,
    private readonly hello: AgentHello,
  ) {
    const { agent_id: agentId } = hello;
    // One that does not say whose memory it has is another one with every connection.
    this.id = agentId === undefined ? `session:${connection.id}` : `agent:${agentId}`;
    if (agentId !== undefined) {
      this.memory = {
        seconds: ASKED_SECONDS,
        recall: async (request, signal) => memoryOf(await this.ask(request, signal, { recall: true })),
      };
    }
  }

  isReady(): boolean {
    return this.connection.isOpen();
  }

  sessions(): readonly Session[] {
    return [
      {
        sessionId: this.connection.id,
        agentVersion: this.hello.agent_version,
        capabilities: this.hello.capabilities,
        connectedAt: this.connection.connectedAt,
        lastSeen: this.connection.lastHeardAt,
      },
    ];
  }

  /** The agent itself knows what it may repeat, and is asked what became of it. */
  isRepeatable(): boolean {
    return false;
  }

  /** Only the agent knows its rules, its folders and its operator. */
  refusalOf(): Promise<null> {
    return Promise.resolve(null);
  }

  async run(request: ActionRequest, signal: AbortSignal): Promise<ExecutorAnswer> {
    if (signal.aborted) return { kind: 'halted' };
    return answerOf(await this.ask(request, signal));
  }

  private async ask(
    { action, params, confirmed, task_id, idempotency_key, files, ...trace }: ActionRequest,
    signal: AbortSignal,
    more: { readonly recall?: true } = {},
  ): Promise<Reply> {
    const limitMs = limitSecondsOf(action, params) * 1_000;
    const frame: ActionRequestFrame = {
      type: 'action_request',
      request_id: randomUUID(),
      action,
      params,
      confirmed,
      ...(task_id === undefined ? {} : { task_id }),
      ...(idempotency_key === undefined ? {} : { idempotency_key }),
      ...(files === undefined ? {} : { files }),
      ...traceFields(readTraceContext(trace)),
      timeout_ms: limitMs,
      ...more,
    };
    const text = JSON.stringify(frame);
    if (Buffer.byteLength(text) > MAX_FRAME_BYTES) return tooLarge(frame);
    const patience = new Patience(limitMs + GIVE_UP_AFTER_MS, signal);
    try {
      return await this.connection.ask(frame.request_id, text, patience.over);
    } finally {
      patience.end();
    }
  }
}

function tooLarge({ request_id, action }: ActionRequestFrame): Reply {
  const error = 'The request is larger than a frame to an agent may be (32 MiB).';
  return { type: 'action_response', status: 'error', request_id, action, error };
}

/** How long an answer is waited for: shorter once the action was told to end. */
class Patience {
  readonly over: Promise<'given up' | 'left'>;
  private resolve: (how: 'given up' | 'left') => void = () => undefined;
  private timer: NodeJS.Timeout;

  constructor(
    limitMs: number,
    private readonly signal: AbortSignal,
  ) {
    this.over = new Promise((resolve) => (this.resolve = resolve));
    this.timer = setTimeout(() => this.resolve('given up'), limitMs);
    if (signal.aborted) this.onHalt();
    else signal.addEventListener('abort', this.onHalt, { once: true });
  }

  end(): void {
    clearTimeout(this.timer);
    this.signal.removeEventListener('abort', this.onHalt);
  }

  private readonly onHalt = (): void => {
    // What an agent runs does not end with this gateway; the next one asks what became of it.
    if (this.signal.reason === 'shutdown') {
      this.resolve('left');
      return;
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.resolve('given up'), KILLED_WITHIN_MS);
  };
}
