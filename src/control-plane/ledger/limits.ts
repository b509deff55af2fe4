/** How large a task may be. Beyond these a request is refused with `invalid-request`. */
export const LIMITS = {
  idLength: 200,
  actionLength: 200,
  pathLength: 1_000,
  files: 1_000,
  dependencies: 1_000,
  capabilities: 64,
  capabilityLength: 100,
  tokenLength: 200,
  textLength: 100_000,
  minPriority: -2_147_483_648,
  maxPriority: 2_147_483_647,
  attempts: 1_000,
  leaseSeconds: 86_400,
  /** Tasks of one key at once. */
  concurrency: 1_000_000,
  /** Tasks of one call that hands in, claims or reports many. */
  batch: 10_000,
  claim: 1_000,
  waitMs: 60_000,
} as const;
