import { type Variable } from './variable.js';

export const gatewayRegistrationVariables = {
  SKYNET_GATEWAY_ID: {
    group: 'gateway',
    about:
      'Id under which the gateway registers itself when SKYNET_ORCHESTRATOR_URL is set; keep it over restarts. Unset: made of machine name and port.',
  },
  SKYNET_GATEWAY_PUBLIC_URL: {
    group: 'gateway',
    about:
      'Where the control plane reaches the gateway. Unset: where it listens, by the name of the machine.',
  },
  SKYNET_GATEWAY_SLOTS: {
    group: 'gateway',
    about:
      'Tasks that the gateway wants at once; the smaller of this and SKYNET_GATEWAY_MAX_IN_FLIGHT of the control plane counts.',
    default: '8',
  },
  SKYNET_GATEWAY_HEARTBEAT_SECS: {
    group: 'gateway',
    about: 'Seconds between two heartbeats of the gateway to the control plane.',
    default: '10',
  },
} as const satisfies Record<string, Variable>;
