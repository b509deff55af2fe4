import { type Env } from '../../platform/config/env.js';

export interface AuditConfig {
  /** 0: entries are kept for ever. */
  readonly retentionDays: number;
}

export function auditConfig(env: Env): AuditConfig {
  return { retentionDays: env.number('SKYNET_AUDIT_RETENTION_DAYS', { min: 0, max: 36_500 }) };
}
