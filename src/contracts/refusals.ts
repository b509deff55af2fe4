/** Words of refusal that gateways and agents share, since callers compare them. */

/** At most so many actions in so long, at a gateway and at an agent alike. */
export const ACTION_RATE = { actions: 120, windowMs: 60_000 } as const;

export const RATE_LIMITED = `Rate limit exceeded: ${ACTION_RATE.actions} actions per ${ACTION_RATE.windowMs / 1_000}s.`;
export const STOPPED = 'Emergency stop is active — all execution suspended.';
export const INTERNAL_ERROR = 'Internal agent error.';
export const KEY_USED_OTHERWISE = 'This idempotency_key was used for another action or other params.';
