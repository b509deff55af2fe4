import { type Answer, type Execution } from '../../actions/index.js';
import { type ActionOutcome } from '../../contracts/gateway-api.js';

/** Somebody who can execute actions, as `GET /sessions` shows him. */
export interface Session {
  readonly sessionId: string;
  readonly agentVersion: string;
  readonly capabilities: readonly string[];
  readonly connectedAt: Date;
  readonly lastSeen: Date;
}

/** What an executor says of an action. */
export type ExecutorAnswer =
  | Answer
  /**
   * It could not be handed over (`not_executed`), or its answer was lost on the way (`unknown`): then only the same executor
   * may be asked again, with the same key.
   */
  | {
      readonly kind: 'unanswered';
      readonly httpStatus: 503 | 504;
      readonly error: string;
      readonly outcome: ActionOutcome;
      /**
       * Nobody will ever know more: the executor remembers no keys, and the action must not run again. Whoever sends the
       * key later is told so for good.
       */
      readonly isLast?: boolean;
    };

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
   * has started; the signal's reason is a `HaltReason`.
   */
  run(execution: Execution, signal: AbortSignal): Promise<ExecutorAnswer>;
}

/** The executor for an action: the first that is ready, in the order of preference. Undefined when none is. */
export function chooseExecutor(executors: readonly Executor[]): Executor | undefined {
  return executors.find((executor) => executor.isReady());
}
