import { type LeasedFile } from '../../contracts/gateway-api.js';
import { type JsonObject } from '../../platform/database/row.js';
import { type Db } from '../../platform/database/database.js';
import { type TraceContext } from '../../platform/tracing/domain/trace-context.js';
import { type DispatchOutcome } from './domain/outcome.js';

export const gatewayProtocols = ['skynet', 'openclaw'] as const;

/** What a gateway speaks: our own protocol, or that of a real OpenClaw gateway. */
export type GatewayProtocolName = (typeof gatewayProtocols)[number];

/** A gateway as it can be called. */
export interface GatewayAddress {
  readonly gatewayId: string;
  /** Its http(s) URL, judged when it was registered and again at every connection. */
  readonly host: string;
  readonly protocol: GatewayProtocolName;
}

/** What a look at a gateway found. */
export type ProbeResult =
  | { readonly kind: 'ready' }
  | { readonly kind: 'not-ready'; readonly reason: string }
  | { readonly kind: 'unreachable'; readonly reason: string };

/** One execution of an action. The key names it: whoever asks with the same key means the same execution. */
export interface ExecutionOrder {
  readonly action: string;
  readonly params: JsonObject;
  readonly confirmed: boolean;
  readonly taskId: string;
  readonly key: string;
  /** Of the claim that asks; absent for calls that the ledger knows nothing of. */
  readonly leaseNumber?: number;
  /** What the task has leased; absent or empty when it declares no files. */
  readonly files?: readonly LeasedFile[];
  /** The trace that it belongs to; absent or null: none. */
  readonly trace?: TraceContext | null;
}

/** A command that a gateway wants to have allowed before it runs it. */
export interface ApprovalRequest {
  readonly approvalId: string;
  readonly command: string;
  readonly cwd: string;
  readonly decisions: readonly string[];
  readonly expiresAt: Date | null;
}

/** Who follows an execution. Nothing that it does may hold the execution up: it neither throws nor is waited for. */
export interface ExecutionWatcher {
  /** More of the text that is being written. */
  text(delta: string): void;
  approvalRequested(request: ApprovalRequest): void;
  /** Somebody, perhaps not we, has answered a request. */
  approvalResolved(approvalId: string, decision: string): void;
}

/** How long one attempt may take, and who is told of its progress. */
export interface AttemptOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly watcher?: ExecutionWatcher;
}

/** How to get into a gateway: a secret, or the file that it stands in. */
export interface GivenCredential {
  readonly secret: string | null;
  readonly file: string | null;
}

/** An execution that a gateway may be at. */
export interface UnsettledExecution {
  readonly key: string;
  readonly taskId: string;
  readonly gatewayId: string;
}

/** What became of the answer to an {@link ApprovalRequest}. */
export type ApprovalOutcome = 'resolved' | 'gone';

/**
 * All that the control plane does with a gateway, whatever it speaks. `execute` is for a key that was never sent before;
 * once it may have been, `askAgain` finds out what became of it and sends it only if that is safe. Neither throws: they
 * come back with what is known.
 */
export interface GatewayProtocol {
  /**
   * The actions that it serves, which it offers as capabilities and which tasks for it require; null when it serves
   * whatever requires none of those.
   */
  readonly serves: readonly string[] | null;

  /**
   * A gateway is registered, or anew. Keeps how to get into it; null keeps what it said before, if that was for the same
   * host. Throws a problem for a credential that cannot be used.
   */
  admit(db: Db, gateway: GatewayAddress, credential: GivenCredential | null): Promise<void>;
  /** A gateway no longer speaks this protocol. */
  forget(db: Db, gatewayId: string): Promise<void>;
  /** Whether it can take actions now. Never throws. */
  probe(gateway: GatewayAddress): Promise<ProbeResult>;
  /** What it means that a call could not reach it. */
  silence(gateway: GatewayAddress, reason: string): Promise<ProbeResult>;
  execute(gateway: GatewayAddress, order: ExecutionOrder, options: AttemptOptions): Promise<DispatchOutcome>;
  askAgain(gateway: GatewayAddress, order: ExecutionOrder, options: AttemptOptions): Promise<DispatchOutcome>;
  /**
   * Executions of the ledger that have begun and are not {@link settled}, the oldest first: those that nobody is after any
   * more are to be cancelled. None of a protocol that cannot cancel.
   */
  unsettled(limit: number): Promise<readonly UnsettledExecution[]>;
  /** Ends an execution that nobody is after any more. Throws when the gateway cannot be asked; may be called again. */
  cancel(gateway: GatewayAddress, key: string): Promise<void>;
  /** The end of an execution is recorded: nobody will ask for it again. */
  settled(key: string): Promise<void>;
  /** Answers a request for approval. Throws when the gateway cannot be asked. */
  approve(gateway: GatewayAddress, approvalId: string, decision: string): Promise<ApprovalOutcome>;
  /**
   * Keeps a gateway from taking anything new from anybody, for as long as this is called again and again, once it is at
   * nothing of ours. Returns whether it has just come to its end with all that it had. Throws when it cannot be asked. Does
   * nothing for a protocol that knows no such thing.
   */
  suspend(gateway: GatewayAddress): Promise<boolean>;
  /** Ends what {@link suspend} began. Throws when the gateway cannot be asked; may be called again. */
  unsuspend(gateway: GatewayAddress): Promise<void>;
  /** The gateways that were suspended, and not yet let go. */
  suspended(): Promise<readonly string[]>;
}
