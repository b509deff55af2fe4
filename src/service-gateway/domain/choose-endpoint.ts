/** What a choice looks at. */
export interface Candidate {
  readonly health: { isHealthy(nowMs: number): boolean };
}

/**
 * The place of the endpoint whose turn it is, counted from `turn`: the first that is healthy and was not tried yet; else one
 * that was not tried; else a healthy one; else any. -1 when there are none.
 */
export function chooseEndpoint<T extends Candidate>(
  endpoints: readonly T[],
  turn: number,
  nowMs: number,
  tried: readonly T[],
): number {
  let best = -1;
  let bestRank = Number.POSITIVE_INFINITY;
  for (let step = 0; step < endpoints.length; step++) {
    const place = (turn + step) % endpoints.length;
    const endpoint = endpoints[place];
    if (endpoint === undefined) continue;
    const rank = (tried.includes(endpoint) ? 2 : 0) + (endpoint.health.isHealthy(nowMs) ? 0 : 1);
    if (rank === 0) return place;
    if (rank < bestRank) [best, bestRank] = [place, rank];
  }
  return best;
}
