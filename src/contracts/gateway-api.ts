/** The HTTP API of an OpenClaw gateway of ours, as the control plane calls it. */

/** `GET /status` */
export interface GatewayStatus {
  readonly agent_connected: boolean;
  readonly ssh_fallback_enabled: boolean;
  readonly ssh_fallback_healthy: boolean;
  readonly ssh_fallback_target: string | null;
  readonly execution_mode: 'ssh_tunnel' | 'agent_preferred';
}

/** A file or pattern that a task holds for as long as it is claimed, as the task called it. */
export interface LeasedFile {
  readonly path: string;
  /** `write`: nobody else may touch it meanwhile. `read`: others may read it as well. */
  readonly mode: 'read' | 'write';
}

/** `POST /action` */
export interface ActionRequest {
  readonly action: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly confirmed: boolean;
  readonly task_id?: string;
  /** Names one execution. The same key never runs twice: it joins the run under way or replays its result. */
  readonly idempotency_key?: string;
  /** Grows with every claim of the task; the gateway refuses one lower than it has seen for the task. */
  readonly lease_number?: number;
  /** What the task has leased; absent when it declared no files. */
  readonly files?: readonly LeasedFile[];
  /** W3C trace context of the one who asks, which may come as headers as well; absent: it is in no trace. */
  readonly traceparent?: string;
  readonly tracestate?: string;
}

export interface ActionResult {
  readonly returncode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Paths that were written although the task's lease does not cover them, relative to the repository; absent when none. */
  readonly lease_violations?: readonly string[];
}

/** A 200 answer of `POST /action`: the action was decided on, for better or worse. */
export interface ActionResponse {
  readonly status: 'success' | 'error';
  readonly action: string;
  readonly result?: ActionResult;
  readonly error?: string;
  readonly idempotent_replay?: boolean;
}

/** What an error answer says about the action: it never began, or nobody can tell. */
export type ActionOutcome = 'not_executed' | 'unknown';

/** Any other answer of `POST /action`. */
export interface ActionFailure {
  readonly status?: 'error';
  readonly action?: string;
  readonly error: string;
  readonly outcome?: ActionOutcome;
}
