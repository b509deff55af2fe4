/** When jobs recur. What the contract fixes is no setting; tests shorten it. */
export interface HeartbeatsConfig {
  readonly healthCheckMs: number;
  readonly memorySyncMs: number;
  readonly usageSnapshotMs: number;
  readonly backupMs: number;
  /** How long after the first start of all a job is done for the first time. */
  readonly firstAfterMs: number;
  /** The pause after a job that failed, if its period is longer. */
  readonly retryMs: number;
  /** The pause between two looks at what is due, each of which renews what is held. */
  readonly lookEveryMs: number;
  /** A gateway that was silent for so long is taken for dead, and another does the job. */
  readonly leaseMs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export function heartbeatsConfig(): HeartbeatsConfig {
  return Object.freeze({
    healthCheckMs: 5 * MINUTE_MS,
    memorySyncMs: 30 * MINUTE_MS,
    usageSnapshotMs: 6 * HOUR_MS,
    backupMs: 24 * HOUR_MS,
    firstAfterMs: MINUTE_MS,
    retryMs: 15 * MINUTE_MS,
    lookEveryMs: 5_000,
    leaseMs: 30_000,
  });
}
