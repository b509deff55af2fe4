import { type GatewayAddress } from '../../gateway-client/index.js';

/** A usable gateway, as the choice sees it. */
export interface Candidate extends GatewayAddress {
  /** The actions that it takes, and no others; null: all but those that only others take. */
  readonly serves: readonly string[] | null;
  readonly capabilities: readonly string[];
  readonly inFlight: number;
  readonly maxInFlight: number;
  /** Null: never. Instants compare as texts. */
  readonly lastUsedAt: string | null;
}

export interface Wish {
  readonly preferredGatewayId: string | null;
  /** The preferred gateway or none. */
  readonly strict: boolean;
  readonly requiredCapabilities: readonly string[];
}

/** Whether a gateway has room and can do what is required. */
function canTake(candidate: Candidate, requiredCapabilities: readonly string[]): boolean {
  return (
    candidate.inFlight < candidate.maxInFlight &&
    requiredCapabilities.every((capability) => candidate.capabilities.includes(capability))
  );
}

/**
 * The gateway for a task: the preferred one if it can take it, else, unless the wish is strict, the one with the fewest
 * tasks in flight, of equals the one that was used least recently. A preferred gateway that is full does not make the
 * task wait: a preference is not a binding. Undefined when none can take it.
 */
export function chooseGateway(candidates: readonly Candidate[], wish: Wish): Candidate | undefined {
  const able = candidates.filter((candidate) => canTake(candidate, wish.requiredCapabilities));
  const isPreferred = ({ gatewayId }: Candidate) => gatewayId === wish.preferredGatewayId;
  // Who insists on a gateway hears from it what it does not do.
  if (wish.strict) return able.find(isPreferred);
  const serving = able.filter(
    ({ serves }) => serves?.some((name) => wish.requiredCapabilities.includes(name)) ?? true,
  );
  return serving.find(isPreferred) ?? serving.toSorted(byLoadThenRest)[0];
}

/** The best gateway first: fewest tasks in flight, of equals the one that was used least recently. */
export function byLoadThenRest(a: Candidate, b: Candidate): number {
  return (
    a.inFlight - b.inFlight ||
    compare(a.lastUsedAt ?? '', b.lastUsedAt ?? '') ||
    compare(a.gatewayId, b.gatewayId)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
