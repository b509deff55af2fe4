/** How the sentinel looks. What the contract fixes is no setting; tests shorten it. */
export interface SentinelConfig {
  /** A component that is down right after the start is no reason for an alert. */
  readonly graceMs: number;
  /** The pause between two looks. */
  readonly lookEveryMs: number;
  /** The shortest time between two alerts of one component. */
  readonly alertEveryMs: number;
  /** What a gateway has found down counts for so long, unless it says so again. */
  readonly freshMs: number;
  /** A loop without a good pass for so long, or a project that nobody takes up for so long, is stuck. */
  readonly stuckMs: number;
}

export function sentinelConfig(): SentinelConfig {
  return Object.freeze({
    graceMs: 60_000,
    lookEveryMs: 10_000,
    alertEveryMs: 300_000,
    freshMs: 60_000,
    stuckMs: 60_000,
  });
}
