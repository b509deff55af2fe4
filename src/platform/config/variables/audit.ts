import { type Variable } from './variable.js';

export const auditVariables = {
  SKYNET_AUDIT_RETENTION_DAYS: {
    group: 'control plane',
    about: 'Entries of the audit trail are deleted after so many days, one at least; 0 keeps them.',
    default: '365',
  },
} as const satisfies Record<string, Variable>;
