/** How many tasks a gateway is sent at once: what the fleet's limit allows, and no more than it wants itself. */
export function roomOf(slots: number | null, limit: number): number {
  return Math.min(slots ?? limit, limit);
}
