import { type Variable } from './variable.js';

export const agentVariables = {
  SKYNET_GATEWAY_URL: {
    group: 'agent',
    about:
      "Address of the agent's gateway, such as wss://gateway:8765/agent/ws. Unset: OPENCLAW_GATEWAY_URL if it begins with ws.",
  },
  SKYNET_AGENT_STATE_DIR: {
    group: 'agent',
    about: 'Folder of the agent: what it has executed, and its audit log. One agent at a time uses it.',
    default: '.skynet/agent',
  },
  SKYNET_AGENT_RECONNECT_SECS: {
    group: 'agent',
    about: 'Pause before an agent tries to connect again; it doubles from try to try, up to 120.',
    default: '5',
  },
  SKYNET_TLS_CA: {
    group: 'agent',
    about: "PEM file with the only authority, or certificate, that the gateway's may come from.",
  },
  OPENCLAW_TLS_INSECURE: {
    group: 'agent',
    about:
      '1 lets the agent take any certificate of its gateway. For tests: whoever is in between reads the token.',
    default: '0',
  },
} as const satisfies Record<string, Variable>;
