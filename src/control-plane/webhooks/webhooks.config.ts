import ipaddr from 'ipaddr.js';
import { type Env } from '../../platform/config/env.js';

export interface WebhooksConfig {
  /** How many there may be. */
  readonly max: number;
  readonly allowHttp: boolean;
  /** Addresses and CIDR ranges that may be reached although they are not public. */
  readonly allowedNetworks: readonly string[];
  /** For one attempt, from the connect to the end of the answer. */
  readonly timeoutMs: number;
  readonly retryMs: number;
  /** Of nothing but failures; 0: never disabled for that. */
  readonly disableAfterDays: number;
  readonly retentionDays: number;
}

const HOUR_MS = 3_600_000;

export function webhooksConfig(env: Env): WebhooksConfig {
  return {
    max: env.integer('SKYNET_WEBHOOKS_MAX', { min: 0, max: 1_000 }),
    allowHttp: env.flag('SKYNET_WEBHOOK_ALLOW_HTTP'),
    allowedNetworks: env.listOf(
      'SKYNET_WEBHOOK_ALLOWED_NETWORKS',
      'addresses or CIDR ranges',
      (entry) => ipaddr.isValid(entry) || ipaddr.isValidCIDR(entry),
    ),
    timeoutMs: Math.round(env.number('SKYNET_WEBHOOK_TIMEOUT_SECS', { min: 0.1, max: 120 }) * 1_000),
    retryMs: Math.round(env.number('SKYNET_WEBHOOK_RETRY_HOURS', { min: 0, max: 24 * 7 }) * HOUR_MS),
    disableAfterDays: env.number('SKYNET_WEBHOOK_DISABLE_AFTER_DAYS', { min: 0, max: 365 }),
    retentionDays: env.number('SKYNET_WEBHOOK_RETENTION_DAYS', { min: 0, max: 365 }),
  };
}
