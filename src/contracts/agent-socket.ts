/** The frames between an OpenClaw gateway and its agents: JSON texts over a WebSocket, `type` first. */
import { type ActionOutcome, type ActionResult, type LeasedFile } from './gateway-api.js';

/** The largest frame that either side takes. */
export const MAX_FRAME_BYTES = 32 * 1_048_576;

/** How often a gateway pings its agent. An agent that hears nothing for longer than this and the wait takes it for gone. */
export const PING_EVERY_MS = 30_000;
/** How long an agent may take to answer a ping. */
export const PONG_WITHIN_MS = 10_000;

/** How long an agent remembers what it has executed under a key. */
export const AGENT_MEMORY_SECONDS = 24 * 3_600;

export const CLOSE_UNAUTHORIZED = { code: 4001, reason: 'Unauthorized' } as const;
export const CLOSE_OCCUPIED = { code: 4002, reason: 'Another agent is already connected' } as const;

/** An action for the agent. */
export interface ActionRequestFrame {
  readonly type: 'action_request';
  readonly request_id: string;
  readonly action: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly confirmed: boolean;
  readonly task_id?: string;
  readonly idempotency_key?: string;
  /** What the task has leased; absent when it declared no files. */
  readonly files?: readonly LeasedFile[];
  /** W3C trace context of the request; absent: it is in no trace. */
  readonly traceparent?: string;
  readonly tracestate?: string;
  /** How long the action may run. */
  readonly timeout_ms: number;
  /**
   * Answer from memory, and begin nothing: the agent joins or replays what it knows of the key. An answer with the outcome
   * `not_executed` then says that the key has not run there.
   */
  readonly recall?: true;
}

/** To the agent. */
export type GatewayFrame =
  | ActionRequestFrame
  | { readonly type: 'emergency_stop' }
  | { readonly type: 'resume' }
  | { readonly type: 'ping' };

export interface AgentHello {
  readonly type: 'agent_hello';
  readonly agent_version: string;
  /** The actions that it can carry out. */
  readonly capabilities: readonly string[];
  /**
   * Names the memory of what the agent has executed: the same for as long as that memory lasts, over all restarts. Absent:
   * it cannot be asked again about what it was given.
   */
  readonly agent_id?: string;
}

export interface ActionResponseFrame {
  readonly type: 'action_response';
  readonly request_id: string;
  readonly status: 'success' | 'error';
  readonly action: string;
  readonly result?: ActionResult;
  readonly error?: string;
  readonly idempotent_replay?: boolean;
  /**
   * Of an error that is no decision: `not_executed`, it could not be taken on now; `unknown`, it began, and how far it
   * came nobody can tell. Absent: it was refused, and has not run.
   */
  readonly outcome?: ActionOutcome;
}

/** From the agent. */
export type AgentFrame =
  | AgentHello
  | ActionResponseFrame
  | { readonly type: 'emergency_stop_ack'; readonly status: 'stopped' }
  | { readonly type: 'resume_ack'; readonly status: 'resumed' }
  | { readonly type: 'pong' };
