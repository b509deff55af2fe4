import { type Variable } from './variable.js';

export const gatewayVariables = {
  OPENCLAW_HTTP_HOST: {
    group: 'gateway',
    about: 'Address that the gateway listens on.',
    default: '127.0.0.1',
  },
  OPENCLAW_HTTP_PORT: { group: 'gateway', about: "Port of the gateway's HTTP API.", default: '8766' },
  SKYNET_HTTP_HOST: { group: 'gateway', about: 'The same as OPENCLAW_HTTP_HOST, and wins over it.' },
  SKYNET_HTTP_PORT: { group: 'gateway', about: 'The same as OPENCLAW_HTTP_PORT, and wins over it.' },
  OPENCLAW_HTTP_ALLOW_UNAUTHENTICATED: {
    group: 'gateway',
    about: '1 lets the gateway listen beyond loopback without SKYNET_GATEWAY_TOKEN.',
    default: '0',
  },
  SKYNET_ALLOWED_ROOTS: {
    group: 'gateway',
    about: 'Folders that actions may touch, separated by ; or ,. Unset: no path is allowed.',
  },
  OPENCLAW_ALLOWED_ROOTS: {
    group: 'gateway',
    about: 'The same as SKYNET_ALLOWED_ROOTS, which wins over it.',
  },
} as const satisfies Record<string, Variable>;
