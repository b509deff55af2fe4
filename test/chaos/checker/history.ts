/** A task that the load has handed in, with all that the rules need to know of it. */
export interface Submitted {
  readonly id: string;
  /** `push` runs at a gateway, `pull` at a worker, `job` at a host. */
  readonly kind: 'push' | 'pull' | 'job';
  /** Whether the control plane has said yes. One that was never answered may be there or not. */
  readonly isAccepted: boolean;
  readonly parents: readonly string[];
  /** Paths that it writes and reads: files, or folders that end with a slash. */
  readonly writes: readonly string[];
  readonly reads: readonly string[];
  readonly concurrency: { readonly key: string; readonly limit: number } | null;
}

/** A row of the event log. */
export interface LoggedEvent {
  readonly id: number;
  readonly taskId: string;
  readonly taskVersion: number;
  readonly type: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly workerId: string | null;
  readonly claimToken: string | null;
  readonly leaseNumber: number | null;
  readonly message: string;
}

/** A line that an action has left behind. */
export interface Effect {
  readonly kind: Submitted['kind'];
  readonly taskId: string;
  /** Who ran it: the claim's token where the executor knows it, else the run's own name. */
  readonly run: string;
}

/** What the control plane says of a task that has not ended. */
export interface Explained {
  readonly taskId: string;
  readonly isRunnable: boolean;
  readonly codes: readonly string[];
  /** Tasks that it is said to wait for. */
  readonly waitsFor: readonly string[];
}

/** All that the checker knows. The log is in the order of its ids, the effects in the order in which they were written. */
export interface History {
  readonly submitted: readonly Submitted[];
  readonly events: readonly LoggedEvent[];
  readonly effects: readonly Effect[];
  /** Of every task that had not ended when all faults were mended and the bound for ends was over. */
  readonly explained: readonly Explained[];
}

export const rules = [
  'accepted-is-there',
  'log-is-whole',
  'one-claim-at-a-time',
  'only-the-holder-reports',
  'fencing-numbers-grow',
  'parents-before-children',
  'no-conflicting-paths',
  'keys-within-their-limit',
  'one-run-per-key',
  'runs-are-claimed',
  'success-left-its-trace',
  'one-end',
  'ends-or-says-why',
] as const;

export type Rule = (typeof rules)[number];

/** Something that must not be. */
export interface Violation {
  readonly rule: Rule;
  /** In a sentence. */
  readonly text: string;
  /** The tasks whose events show it. */
  readonly tasks: readonly string[];
}
