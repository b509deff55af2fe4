import { type Variable } from './variable.js';

export const controlPlaneVariables = {
  SKYNET_HOST: {
    group: 'control plane',
    about: 'Address to listen on. Unset: 0.0.0.0 when a key is configured, else 127.0.0.1.',
  },
  SKYNET_PORT: { group: 'control plane', about: 'Port of the API.', default: '8000' },
  SKYNET_METRICS_PORT: {
    group: 'control plane',
    about:
      'Port of its own for /metrics, without a key, at the address of SKYNET_HOST; for a network that only monitoring reaches. Unset: on the API alone, behind its key.',
  },
  SKYNET_API_KEY: {
    group: 'control plane',
    about: 'Key that callers send as X-API-Key or Authorization: Bearer. Unset: the API is open.',
    secret: true,
  },
  SKYNET_PROTECT_DIAGNOSTICS: {
    group: 'control plane',
    about: '0 leaves the API open although SKYNET_API_KEY is set.',
    default: '1',
  },
  SKYNET_REQUIRE_AUTH: { group: 'control plane', about: '1 refuses to start without a key.', default: '0' },
  SKYNET_DIAGNOSTIC_RATE_LIMIT_PER_MIN: {
    group: 'control plane',
    about: 'Requests per client IP and minute; 0 or less is no limit.',
    default: '120',
  },
  SKYNET_TRUSTED_PROXIES: {
    group: 'control plane',
    about: 'Comma list of proxy addresses or CIDR ranges whose X-Forwarded-For is believed.',
  },
  CORS_ORIGINS: {
    group: 'control plane',
    about:
      'Comma list of browser origins. * answers any origin without credentials; listed origins get credentials.',
    default: '*',
  },
  SKYNET_MAX_BODY_BYTES: { group: 'control plane', about: 'Largest request body.', default: '1048576' },
  SKYNET_REDACT_CLAIM_TOKENS: {
    group: 'control plane',
    about:
      '0 shows claim tokens in lists, reads and events, as old clients expect; every reader can then take over a claim.',
    default: '1',
  },
  SKYNET_LOG_LEVEL: {
    group: 'control plane',
    about: 'debug, info, warning, error, critical or silent.',
    default: 'INFO',
  },
  SKYNET_RETENTION_DAYS: {
    group: 'control plane',
    about: 'Finished tasks and their events are deleted after so many days, by whole days; 0 keeps them.',
    default: '30',
  },
  SKYNET_EVENT_STREAMS_MAX: {
    group: 'control plane',
    about: 'Event streams that one replica serves at once; the next one hears 503.',
    default: '200',
  },
  SKYNET_EVENT_STREAM_PING_SECS: {
    group: 'control plane',
    about: 'Seconds of silence after which an event stream says that it is alive.',
    default: '15',
  },
  SKYNET_EVENT_STREAM_STALL_SECS: {
    group: 'control plane',
    about: 'Seconds after which a client of an event stream is cut off that takes nothing of what is sent.',
    default: '30',
  },
  SKYNET_TASK_MAX_ATTEMPTS: {
    group: 'control plane',
    about: 'Claims that a task may use up, unless it names its own max_attempts.',
    default: '5',
  },
  SKYNET_PRIORITY_AGEING_SECS: {
    group: 'control plane',
    about:
      'Seconds of waiting that weigh as much as one point of priority, for tasks handed in from then on; 1000000 is strict.',
    default: '300',
  },
  SKYNET_CONTROL_TASK_LOCK_TIMEOUT: {
    group: 'control plane',
    about: 'Seconds that a claim lives without renewal, unless the task names its own lease_seconds.',
    default: '300',
  },
  SKYCLAW_COORDINATOR_HOST: {
    group: 'control plane',
    about: 'Address that skyclaw coordinator listens on.',
    default: '0.0.0.0',
  },
  SKYCLAW_COORDINATOR_PORT: {
    group: 'control plane',
    about: 'Port of skyclaw coordinator.',
    default: '8787',
  },
  SKYCLAW_IDEMPOTENCY_TTL_MS: {
    group: 'control plane',
    about: 'How long an x-idempotency-key is remembered.',
    default: '86400000',
  },
} as const satisfies Record<string, Variable>;
