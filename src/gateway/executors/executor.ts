import { type ActionResult } from '../../contracts/gateway-api.js';

/** What an executor needs to know of a request. Who asked, keys and leases are none of its business. */
export interface Execution {
  readonly action: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly confirmed: boolean;
}

/** Somebody who can execute actions, as `GET /sessions` shows him. */
export interface Session {
  readonly sessionId: string;
  readonly agentVersion: string;
  readonly capabilities: readonly string[];
  readonly connectedAt: Date;
  readonly lastSeen: Date;
}

/** Why actions are told to end before their time: the `reason` of the signal that tells them. */
export type HaltReason = 'emergency stop' | 'shutdown of the gateway';

/** What an executor says of an action. */
export type Answer =
  /** It ran. A failure of the command itself is a result like any other. */
  | { readonly kind: 'executed'; readonly result: ActionResult }
  /** It was refused before anything happened. */
  | { readonly kind: 'refused'; readonly error: string }
  /** It waited for its turn, was told to end, and has not begun. */
  | { readonly kind: 'halted' };

/**
 * Something that executes actions: this machine, a connected agent, a host behind SSH. Everything that is the same for
 * all of them (keys, leases, rate, emergency stop) is decided before.
 */
export interface Executor {
  readonly name: string;
  /** Whether it can take an action now. Fast: answered from what is known, never by asking over a network. */
  isReady(): boolean;
  sessions(): readonly Session[];
  /** Whether an action that may have run already can be run again without harm. */
  isRepeatable(action: string): boolean;
  /**
   * Why an action would be refused, as far as that can be told beforehand; null when nothing speaks against it. Asked
   * before the action is written down as running, so that what is refused leaves no trace.
   */
  refusalOf(execution: Execution): Promise<string | null>;
  /**
   * Runs to the end or until `signal`, whichever is first, and never rejects. An abort kills everything that the action
   * has started; the signal's reason is a {@link HaltReason}.
   */
  run(execution: Execution, signal: AbortSignal): Promise<Answer>;
}

/** The executor for an action: the first that is ready, in the order of preference. Undefined when none is. */
export function chooseExecutor(executors: readonly Executor[]): Executor | undefined {
  return executors.find((executor) => executor.isReady());
}
