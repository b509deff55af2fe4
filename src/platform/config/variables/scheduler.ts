import { type Variable } from './variable.js';

export const schedulerVariables = {
  OPENCLAW_GATEWAY_URLS: {
    group: 'scheduler',
    about: 'Comma list of gateways that are registered at start as openclaw, openclaw_2, …',
  },
  OPENCLAW_GATEWAY_URL: {
    group: 'scheduler',
    about: 'The one gateway that is registered at start when OPENCLAW_GATEWAY_URLS is unset.',
    default: 'http://127.0.0.1:8766',
  },
  SKYNET_GATEWAY_TOKEN: {
    group: 'scheduler',
    about: 'Bearer token between control plane and gateway; the same on both sides.',
    secret: true,
  },
  SKYNET_GATEWAY_HOST_ALLOWLIST: {
    group: 'scheduler',
    about:
      'Comma list of host names, addresses or CIDR ranges; when set, gateways outside of it are refused.',
  },
  SKYNET_GATEWAY_PROBE_SECS: {
    group: 'scheduler',
    about: 'Seconds between two probes of a gateway.',
    default: '15',
  },
  SKYNET_GATEWAY_MAX_IN_FLIGHT: {
    group: 'scheduler',
    about: 'Dispatched tasks that one gateway runs at once, over all replicas.',
    default: '8',
  },
  SKYNET_CONTROL_SCHEDULER_ENABLED: {
    group: 'scheduler',
    about: '0 leaves all work to pull workers.',
    default: '1',
  },
  SKYNET_CONTROL_SCHEDULER_POLL_SECS: {
    group: 'scheduler',
    about: 'Longest pause between two looks for ready tasks; NOTIFY makes it sooner.',
    default: '1.5',
  },
  SKYNET_CONTROL_SCHEDULER_WORKER_ID: {
    group: 'scheduler',
    about: 'Name under which dispatchers hold tasks; a replica suffix is added.',
    default: 'skynet-control-scheduler',
  },
  SKYNET_CONTROL_SCHEDULER_CONCURRENCY: {
    group: 'scheduler',
    about: 'Tasks that one replica dispatches at once.',
    default: '8',
  },
} as const satisfies Record<string, Variable>;
