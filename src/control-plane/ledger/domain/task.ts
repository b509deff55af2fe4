import { type Instant, type JsonObject } from '../../../platform/database/row.js';
import { type TraceContext } from '../../../platform/tracing/domain/trace-context.js';
import { type Concurrency } from './concurrency.js';
import { type TaskStatus } from './task-state.js';
import { type WantedFile } from './wanted-files.js';

export type Delivery = 'any' | 'push' | 'pull';
/** Who holds a task: a dispatcher of the control plane, or a worker or host that pulled it. */
export type Holder = 'dispatcher' | 'worker' | 'host';

/** A task as it stands in the ledger. */
export interface Task {
  readonly seq: number;
  readonly id: string;
  readonly projectId: string;
  readonly kind: string;
  readonly action: string;
  readonly params: JsonObject;
  readonly status: TaskStatus;
  readonly gate: number | null;
  readonly priority: number;
  readonly delivery: Delivery;
  readonly gatewayId: string | null;
  readonly gatewayStrict: boolean;
  readonly requiredCapabilities: readonly string[];
  readonly dependencies: readonly string[];
  readonly dependents: readonly string[];
  /** Files that it changes, and files that it only reads, as the caller called them. */
  readonly requiredFiles: readonly string[];
  readonly readFiles: readonly string[];
  readonly concurrency: Concurrency | null;
  readonly maxAttempts: number;
  readonly leaseSeconds: number;
  readonly submittedBy: string | null;
  /** The trace of the request that handed it in. */
  readonly trace: TraceContext | null;
  readonly attempts: number;
  readonly leaseNumber: number;
  readonly version: number;
  readonly lockedBy: string | null;
  readonly claimToken: string | null;
  readonly lockedAt: Instant | null;
  readonly leaseExpiresAt: Instant | null;
  readonly nextAttemptAt: Instant | null;
  /** The execution that may still be going on somewhere, and the gateway that knows. */
  readonly dispatchKey: string | null;
  readonly dispatchGatewayId: string | null;
  readonly result: JsonObject;
  readonly error: string;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
  readonly completedAt: Instant | null;
}

/** A task that somebody has just claimed. */
export interface ClaimedTask extends Task {
  readonly lockedBy: string;
  readonly claimToken: string;
  readonly lockedAt: Instant;
  readonly leaseExpiresAt: Instant;
}

/** What a new task is made of. Ids, lists and numbers are already in their normal forms. */
export interface NewTask {
  readonly id: string;
  readonly projectId: string;
  readonly kind: string;
  readonly action: string;
  readonly params: JsonObject;
  readonly priority: number;
  /** What the priority is worth: the task is served before those without one that were handed in so many seconds earlier. */
  readonly headStartSeconds: number;
  readonly delivery: Delivery;
  readonly gatewayId: string | null;
  readonly gatewayStrict: boolean;
  readonly requiredCapabilities: readonly string[];
  readonly dependencies: readonly string[];
  readonly files: readonly WantedFile[];
  readonly concurrency: Concurrency | null;
  readonly maxAttempts: number;
  readonly leaseSeconds: number;
  readonly submittedBy: string | null;
  /** The trace of the request that hands it in. */
  readonly trace: TraceContext | null;
  /** Not to be claimed before; null, or past: at once. */
  readonly runAt: Instant | null;
  /** It fails when it has not been started so long after it was handed in; null: it waits for as long as it takes. */
  readonly ttlMs: number | null;
}

/** The only project that a claimer takes tasks of; null: any. */
export const onlyProjectOf = (claimer: Claimer): string | null =>
  claimer.holder === 'worker' ? (claimer.projectId ?? null) : null;

/** Who asks for work, and what of. */
export type Claimer =
  | {
      readonly holder: 'worker';
      readonly id: string;
      /** Null: those it is registered with. */
      readonly capabilities: readonly string[] | null;
      /** The only project that it takes tasks of; null or absent: any. */
      readonly projectId?: string | null;
    }
  /** A host takes jobs, as many as it has room for, by the capabilities that it is registered with. */
  | { readonly holder: 'host'; readonly id: string }
  | {
      readonly holder: 'dispatcher';
      readonly id: string;
      /**
       * The gateways that could take a task now, the best first; tasks that none of them can take are left alone. A claim
       * that starts a task says which one it is for.
       */
      readonly gateways: readonly {
        readonly gatewayId: string;
        readonly capabilities: readonly string[];
        /** Of tasks that are not bound to it, it takes only those that require one of these; null or absent: any. */
        readonly serves?: readonly string[] | null;
      }[];
    };

/** What a holder shows to prove that it holds the task. */
export interface ClaimProof {
  readonly taskId: string;
  readonly workerId: string;
  readonly claimToken: string;
}
