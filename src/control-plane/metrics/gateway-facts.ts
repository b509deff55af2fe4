import { type Meter } from '../../platform/metrics/meter.js';
import { type Gateway, isGatewayUsable } from '../registry/index.js';

/** What a gateway is counted as. Its status may be any word that somebody has declared; these are those that count. */
type State = 'up' | 'paused' | 'degraded' | 'offline' | 'other';

export interface GatewayCounts {
  readonly states: Readonly<Record<State, number>>;
  readonly breakers: Readonly<Record<'closed' | 'open', number>>;
}

/** How many gateways are in which state. */
export function countGateways(gateways: readonly Gateway[]): GatewayCounts {
  const counts = { up: 0, paused: 0, degraded: 0, offline: 0, other: 0 };
  for (const gateway of gateways) counts[stateOf(gateway)]++;
  const open = gateways.filter(isBreakerOpen).length;
  return { states: counts, breakers: { closed: gateways.length - open, open } };
}

/** Shows them; nothing when the last look failed. */
export function showGateways(meter: Meter, counts: () => GatewayCounts | undefined): void {
  meter.gauges(
    'skynet_gateways',
    'Gateways by state. Up: may be sent tasks; paused: could be, but for an operator; other: a status of their own.',
    'state',
    () => Object.entries(counts()?.states ?? {}),
  );
  meter.gauges(
    'skynet_gateway_breakers',
    'Gateways by the state of their breaker. Open: a call or a probe has failed, and nothing is sent until a probe is good.',
    'state',
    () => Object.entries(counts()?.breakers ?? {}),
  );
}

function stateOf({ status, pausedAt }: Gateway): State {
  if (isGatewayUsable(status)) return pausedAt === null ? 'up' : 'paused';
  const word = status.toLowerCase();
  return word === 'offline' || word === 'degraded' ? word : 'other';
}

/** One whose operator has declared it to be away is not broken. */
function isBreakerOpen({ status, declaredStatus }: Gateway): boolean {
  return status !== declaredStatus;
}
