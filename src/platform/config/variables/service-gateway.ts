import { type Variable } from './variable.js';

export const serviceGatewayVariables = {
  SKYCLAW_GATEWAY_HOST: {
    group: 'service gateway',
    about: 'Address that the service gateway listens on.',
    default: '0.0.0.0',
  },
  SKYCLAW_GATEWAY_PORT: {
    group: 'service gateway',
    about: 'Port of the service gateway.',
    default: '8790',
  },
  SKYCLAW_GATEWAY_TOKEN: {
    group: 'service gateway',
    about:
      'Token that callers send as Authorization: Bearer or x-skyclaw-gateway-token. Unset: the gateway is open.',
    secret: true,
  },
  SKYCLAW_GATEWAY_REFRESH_MS: {
    group: 'service gateway',
    about: 'Time between two looks at the list of services; a long poll makes it sooner.',
    default: '3000',
  },
  SKYCLAW_GATEWAY_HEALTH_PROBE_MS: {
    group: 'service gateway',
    about: 'Time between two probes of an endpoint.',
    default: '5000',
  },
  SKYCLAW_GATEWAY_HEALTH_PATH: {
    group: 'service gateway',
    about: 'What is probed of services that name no healthPath.',
    default: '/health',
  },
  SKYCLAW_GATEWAY_HEALTH_TIMEOUT_MS: {
    group: 'service gateway',
    about: 'How long a probe may take.',
    default: '1500',
  },
  SKYCLAW_GATEWAY_RETRY_ATTEMPTS: {
    group: 'service gateway',
    about: 'How often GET, HEAD and OPTIONS are tried again, elsewhere first.',
    default: '1',
  },
  SKYCLAW_GATEWAY_UNHEALTHY_COOLDOWN_MS: {
    group: 'service gateway',
    about: 'How long an endpoint that failed is skipped, unless a probe finds it well before.',
    default: '10000',
  },
  SKYCLAW_GATEWAY_TIMEOUT_MS: {
    group: 'service gateway',
    about: 'Longest time to the head of an answer, and longest silence within it.',
    default: '30000',
  },
  SKYCLAW_GATEWAY_MAX_HEADER_BYTES: {
    group: 'service gateway',
    about: 'Largest head of a request or an answer; a larger request hears 431.',
    default: '16384',
  },
  SKYCLAW_GATEWAY_MAX_WEBSOCKETS: {
    group: 'service gateway',
    about: 'WebSockets that are open at once; the next one hears 503.',
    default: '10000',
  },
} as const satisfies Record<string, Variable>;
