import { type Variable } from './variable.js';

export const reaperVariables = {
  SKYNET_STALE_LOCK_REAPER_ENABLED: {
    group: 'reaper',
    about: '0 leaves expired leases alone.',
    default: '1',
  },
  SKYNET_STALE_LOCK_REAPER_POLL_SECS: {
    group: 'reaper',
    about: 'Seconds between two passes.',
    default: '15',
  },
  SKYNET_REAPER_ON_UNHEALTHY: {
    group: 'reaper',
    about: 'What an expired lease of an unhealthy worker leads to: release, or fail at once.',
    default: 'release',
  },
} as const satisfies Record<string, Variable>;
