import { type Answer, type Background } from '../../actions/index.js';
import { type ActionOutcome, type ActionRequest } from '../../contracts/gateway-api.js';

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
  /** It began, was broken off, and will not be run again under its key: how far it came nobody can tell. */
  | { readonly kind: 'interrupted'; readonly error: string }
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

/** What an executor knows by itself of the keys that it was given. */
export interface ExecutorMemory {
  /** For how long after it was given a key; asked later, it might run the key a second time. */
  readonly seconds: number;
  /**
   * What became of a key: joins it when it runs, and begins nothing. Null: the key has not run there and will not, unless
   * it is given anew. Never rejects; ends with `signal` at the latest.
   */
  recall(request: ActionRequest, signal: AbortSignal): Promise<ExecutorAnswer | null>;
}

/**
 * Something that executes actions: this machine, a connected agent, a host behind SSH. Everything that is the same for
 * all of them (keys, leases, rate, emergency stop) is decided before.
 */
export interface Executor {
  /** Of which kind it is, for the log. */
  readonly name: string;
  /** Who it is, for as long as anybody remembers a key: what it was given is asked of nobody else. */
  readonly id: string;
  /** Absent: what it was given is known only to the process that waits for its answer. */
  readonly memory?: ExecutorMemory;
  /** What outlives its actions in this process, and is ended by the emergency stop and at the end; absent: nothing does. */
  readonly background?: Background;
  /** Whether it can take an action now. Fast: answered from what is known, never by asking over a network. */
  isReady(): boolean;
  sessions(): readonly Session[];
  /** Whether an action that may have run already can be run again without harm. */
  isRepeatable(action: string): boolean;
  /**
   * Why an action would be refused, as far as that can be told beforehand; null when nothing speaks against it. Asked
   * before the action is written down as running, so that what is refused leaves no trace.
   */
  refusalOf(request: ActionRequest): Promise<string | null>;
  /**
   * Runs to the end or until `signal`, whichever is first, and never rejects. The signal's reason is a `HaltReason`: an
   * emergency stop kills everything that the action has started, a shutdown what would end with this process anyway.
   */
  run(request: ActionRequest, signal: AbortSignal): Promise<ExecutorAnswer>;
}
