/** The pause before try number `attempt` (1 is the first retry): doubling from `firstMs`, never above `mostMs`. */
export function backoffMs(attempt: number, firstMs: number, mostMs: number): number {
  return Math.min(mostMs, firstMs * 2 ** Math.min(Math.max(0, attempt - 1), 30));
}
