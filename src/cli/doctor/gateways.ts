import { type Asks } from '../../platform/database/session.js';
import { type Finding, ok, warning } from '../findings.js';
import { type GatewayState, listGatewayStates } from './doctor.queries.js';

/** What has been registered, and how it was found by the last probe. */
export async function lookAtGateways(session: Asks): Promise<Finding[]> {
  const gateways = await listGatewayStates(session);
  if (gateways.length === 0)
    return [ok('gateways', 'None is registered.', 'Tasks for gateways wait; workers and hosts take theirs.')];
  const up = gateways.filter(({ status }) => status === 'online').length;
  const away = gateways.filter(({ status, declaredStatus }) => status !== declaredStatus);
  return [
    ok('gateways', `${gateways.length} registered, ${up} online.`),
    ...away.map((gateway) =>
      warning(
        'gateways',
        `${described(gateway)} is ${gateway.status}${gateway.reason === '' ? '' : `: ${gateway.reason}`}.`,
        'Nothing new is sent there. What it may be executing stays with it and waits for it.',
        `Start it again: a probe finds it. When it will not come back: POST /v1/gateways/${gateway.id}/drain.`,
      ),
    ),
  ];
}

const described = ({ id, host, silentSeconds, isPaused }: GatewayState): string =>
  `${id} at ${host} (last heard of ${Math.round(silentSeconds)} s ago${isPaused ? ', paused' : ''})`;
