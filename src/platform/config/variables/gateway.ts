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
  OPENCLAW_WS_HOST: {
    group: 'gateway',
    about: 'Address that the gateway listens on for agents.',
    default: '0.0.0.0',
  },
  OPENCLAW_WS_PORT: {
    group: 'gateway',
    about: 'Port that the gateway listens on for agents.',
    default: '8765',
  },
  SKYNET_WS_HOST: { group: 'gateway', about: 'The same as OPENCLAW_WS_HOST, and wins over it.' },
  SKYNET_WS_PORT: { group: 'gateway', about: 'The same as OPENCLAW_WS_PORT, and wins over it.' },
  SKYNET_AUTH_TOKEN: {
    group: 'gateway',
    about: 'What an agent shows its gateway; the same on both sides. Unset: the gateway takes no agents.',
    secret: true,
  },
  OPENCLAW_AUTH_TOKEN: {
    group: 'gateway',
    about: 'The same as SKYNET_AUTH_TOKEN, which wins over it.',
    secret: true,
  },
  SKYNET_TLS_CERT: {
    group: 'gateway',
    about: 'PEM file with the certificate of the socket for agents. Unset: they connect without encryption.',
  },
  SKYNET_TLS_KEY: { group: 'gateway', about: 'PEM file with the key of that certificate.' },
  OPENCLAW_TLS_CERT: { group: 'gateway', about: 'The same as SKYNET_TLS_CERT, which wins over it.' },
  OPENCLAW_TLS_KEY: { group: 'gateway', about: 'The same as SKYNET_TLS_KEY, which wins over it.' },
} as const satisfies Record<string, Variable>;
