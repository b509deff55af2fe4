import { fits, nameOf, type Need, type Pause } from '../../ledger/index.js';
import { MOST_CALLS, resume } from './calls.js';
import { because } from './ended.js';
import { type Facts, type GatewayFacts, type Reason } from './facts.js';
import { listed } from './sentences.js';

/** Paused gateways that an answer lists. */
const MOST_LISTED = 10;

/** The queue and its project, where an operator holds them back: whatever else is in the way, this is as well. */
export function isPaused({ situation: { pauses } }: Facts): Reason[] {
  return pauses.map((pause) => ({
    code: 'paused',
    message: `${pause.scope === 'queue' ? 'The queue' : `Its ${nameOf(pause)}`} is paused${because(pause.reason)}`,
    since: pause.pausedAt,
    details: { scope: pause.scope, name: pause.name, reason: pause.reason },
    unblock: [resume(pause, `Lets ${nameOf(pause)} go on.`)],
  }));
}

/** Gateways that could take it and are paused. Asked when nobody else takes it. */
export function gatewaysArePaused(need: Need, gateways: readonly GatewayFacts[]): Reason[] {
  const paused = gateways
    .filter((gateway) => fits(need, gateway))
    .flatMap((gateway) => pauseOf(gateway) ?? []);
  // The one that was paused last: until then it might have gone there.
  const [last] = paused.toSorted((a, b) => (a.pausedAt < b.pausedAt ? 1 : -1));
  if (last === undefined) return [];
  return [
    {
      code: 'paused',
      message:
        paused.length === 1
          ? `Gateway '${last.name}', which may take it, is paused${because(last.reason)}`
          : `Gateways that may take it are paused: ${listed(paused.map(({ name }) => name))}; '${last.name}' since ${last.pausedAt}${because(last.reason)}`,
      since: last.pausedAt,
      details: {
        ...{ scope: last.scope, name: last.name, reason: last.reason, total: paused.length },
        gateways: paused
          .slice(0, MOST_LISTED)
          .map(({ name, pausedAt, reason }) => ({ gateway_id: name, paused_at: pausedAt, reason })),
      },
      unblock: paused
        .slice(0, MOST_CALLS)
        .map((pause) => resume(pause, `Lets ${nameOf(pause)} be sent tasks again.`)),
    },
  ];
}

function pauseOf({ gatewayId, pausedAt, pauseReason }: GatewayFacts): Pause | null {
  if (pausedAt === null) return null;
  return { scope: 'gateway', name: gatewayId, reason: pauseReason ?? '', pausedAt };
}
