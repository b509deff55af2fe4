import { type Variable } from './variable.js';

export const webhookVariables = {
  SKYNET_WEBHOOKS_MAX: {
    group: 'webhooks',
    about: 'Webhooks that may be registered; each costs a look at the log now and then.',
    default: '100',
  },
  SKYNET_WEBHOOK_ALLOW_HTTP: {
    group: 'webhooks',
    about: '1 lets webhooks have http addresses; whoever is on the way then reads and changes what is sent.',
    default: '0',
  },
  SKYNET_WEBHOOK_ALLOWED_NETWORKS: {
    group: 'webhooks',
    about:
      'Comma list of addresses or CIDR ranges that webhooks may reach although they are not public; a metadata service only by its own address.',
  },
  SKYNET_WEBHOOK_TIMEOUT_SECS: {
    group: 'webhooks',
    about: 'Seconds that a receiver has to answer, from the connect to the end of its answer.',
    default: '15',
  },
  SKYNET_WEBHOOK_RETRY_HOURS: {
    group: 'webhooks',
    about: 'Hours over which a delivery is attempted again before it has failed.',
    default: '24',
  },
  SKYNET_WEBHOOK_DISABLE_AFTER_DAYS: {
    group: 'webhooks',
    about: 'Days of nothing but failures after which a webhook is disabled; 0 never does.',
    default: '5',
  },
  SKYNET_WEBHOOK_RETENTION_DAYS: {
    group: 'webhooks',
    about:
      'Deliveries that have ended are deleted after so many days; of each webhook 10000 are kept at most.',
    default: '7',
  },
} as const satisfies Record<string, Variable>;
