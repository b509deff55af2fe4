import { type Variable } from './variable.js';

const ALL_IN_POSTGRES = 'all state is in PostgreSQL (DATABASE_URL)';

export const databaseVariables = {
  DATABASE_URL: {
    group: 'database',
    about: 'PostgreSQL 15 or newer. Unset: an embedded PostgreSQL starts in SKYNET_DATA_DIR.',
    secret: true,
  },
  SKYNET_DATA_DIR: {
    group: 'database',
    about: 'Where the embedded PostgreSQL keeps its data.',
    default: '.skynet',
  },
  SKYNET_DB_POOL_SIZE: {
    group: 'database',
    about: 'Connections that one process opens at most.',
    default: '10',
  },
  SKYNET_DB_PATH: {
    group: 'database',
    about: 'Accepted for older deployments, without effect.',
    ignored: ALL_IN_POSTGRES,
  },
  SKYCLAW_DB_PATH: {
    group: 'database',
    about: 'Accepted for older deployments, without effect.',
    ignored: ALL_IN_POSTGRES,
  },
  OPENCLAW_DB_PATH: {
    group: 'database',
    about: 'Accepted for older deployments, without effect.',
    ignored: ALL_IN_POSTGRES,
  },
} as const satisfies Record<string, Variable>;
