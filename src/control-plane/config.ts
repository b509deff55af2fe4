import { randomUUID } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import { type Env } from '../platform/config/env.js';
import { logLevels } from '../platform/logging/logger.js';
import { type TracingConfig, tracingConfig } from '../platform/tracing/tracing.config.js';
import { type AuditConfig, auditConfig } from './audit/audit.config.js';
import { baseUrl } from './cluster/domain/base-url.js';
import { type OpenClawConfig, openclawConfig } from './gateway-client/openclaw/openclaw.config.js';
import { type PublicApiConfig, publicApiConfig } from './public-api/public-api.config.js';
import { type WebhooksConfig, webhooksConfig } from './webhooks/webhooks.config.js';
import { ConfigError } from '../platform/config/config-error.js';

export { ConfigError };

export interface HttpConfig {
  readonly host: string;
  readonly port: number;
  /** Where the metrics are served without a key, at the same address; undefined: nowhere. */
  readonly metricsPort: number | undefined;
  readonly corsOrigins: readonly string[];
  readonly maxBodyBytes: number;
  readonly trustedProxies: readonly string[];
  /** 0 or less: no limit. */
  readonly rateLimitPerMinute: number;
}

export interface AuthConfig {
  /** Unset: every route is open. */
  readonly apiKey: string | undefined;
  readonly required: boolean;
  /** What opens the SkyClaw routes. None: they are open, or closed to all when keys are required. */
  readonly skyclaw: { readonly tokens: readonly string[]; readonly required: boolean };
}

export interface LedgerConfig {
  readonly leaseSeconds: number;
  readonly maxAttempts: number;
  /** Seconds of waiting that weigh as much as one point of priority. */
  readonly priorityAgeingSeconds: number;
  readonly redactClaimTokens: boolean;
  readonly retentionDays: number;
}

export interface EventsConfig {
  readonly maxStreams: number;
  readonly pingMs: number;
  readonly stallMs: number;
}

export interface RegistryConfig {
  /** Gateways registered at start, in order. */
  readonly seedHosts: readonly string[];
  readonly hostAllowlist: readonly string[];
  readonly probeIntervalMs: number;
  readonly gatewayToken: string | undefined;
}

export interface SchedulerConfig {
  readonly enabled: boolean;
  readonly pollMs: number;
  /** Without the replica's suffix. */
  readonly workerId: string;
  readonly concurrency: number;
  readonly maxInFlightPerGateway: number;
}

export interface ReaperConfig {
  readonly enabled: boolean;
  readonly pollMs: number;
  readonly onUnhealthy: 'release' | 'fail';
}

export interface SkyclawConfig {
  /** Who this replica is in what it writes; made up when unset. */
  readonly nodeId: string;
  /** Whether hosts have credentials of their own. */
  readonly hostAuth: boolean;
  readonly hostTimeoutMs: number;
  readonly leaseMs: number;
  /** How long a replica of a service, or a step of its rollout, may take to come up. */
  readonly rolloutTimeoutMs: number;
  /** Failures of a new generation after which it is given up. */
  readonly rolloutMaxFailures: number;
  readonly jobMaxAttempts: number;
  /** What is kept of each of a job's two outputs. */
  readonly maxOutputBytes: number;
  /** What is kept of the live output of a job, and of a service from each host. */
  readonly maxLogBytes: number;
  readonly maxLogStreams: number;
}

export interface ClusterConfig {
  /** Where others reach this replica, in its normal form; undefined: it does not say. */
  readonly publicUrl: string | undefined;
  /** Further addresses to tell of, in their normal form. */
  readonly peerUrls: readonly string[];
  /** Synchronous standbys without which the SkyClaw routes change nothing; 0: none are asked for. */
  readonly requiredStandbys: number;
  /** How long a change waits for its standbys before its caller hears that it is not known to be there. */
  readonly commitWaitMs: number;
}

/** All settings of the control plane, read once before the application is built. Modules get their slice. */
export interface ControlPlaneConfig {
  readonly http: HttpConfig;
  readonly auth: AuthConfig;
  readonly ledger: LedgerConfig;
  readonly events: EventsConfig;
  readonly registry: RegistryConfig;
  readonly openclaw: OpenClawConfig;
  readonly scheduler: SchedulerConfig;
  readonly reaper: ReaperConfig;
  readonly skyclaw: SkyclawConfig;
  readonly cluster: ClusterConfig;
  readonly publicApi: PublicApiConfig;
  readonly webhooks: WebhooksConfig;
  readonly audit: AuditConfig;
  /** Undefined: no spans are recorded. */
  readonly tracing: TracingConfig | undefined;
  readonly idempotencyTtlMs: number;
  readonly databasePoolSize: number;
  readonly logLevel: string;
}

const DAY_SECONDS = 86_400;
const DAY_MS = DAY_SECONDS * 1_000;

export function controlPlaneConfig(env: Env): ControlPlaneConfig {
  const apiKey = env.isSet('SKYNET_API_KEY') ? env.text('SKYNET_API_KEY') : undefined;
  const tokens = (['SKYCLAW_TOKEN', 'SKYCLAW_TOKEN_PREVIOUS'] as const)
    .filter((name) => env.isSet(name))
    .map((name) => env.text(name));
  const required = env.flag('SKYNET_REQUIRE_AUTH');
  if (required && apiKey === undefined) {
    throw new ConfigError(
      'SKYNET_REQUIRE_AUTH is set, but there is no key. Set SKYNET_API_KEY to a long random text.',
    );
  }
  const protectedApi = apiKey !== undefined && env.flag('SKYNET_PROTECT_DIAGNOSTICS');
  return Object.freeze({
    http: {
      host: env.isSet('SKYNET_HOST')
        ? env.text('SKYNET_HOST')
        : apiKey === undefined && tokens.length === 0
          ? '127.0.0.1'
          : '0.0.0.0',
      port: env.integer('SKYNET_PORT', { min: 0, max: 65_535 }),
      metricsPort: env.optional('SKYNET_METRICS_PORT', 'a port from 0 to 65535', portFrom),
      corsOrigins: env.list('CORS_ORIGINS'),
      maxBodyBytes: env.integer('SKYNET_MAX_BODY_BYTES', { min: 1_024, max: 64 * 1_048_576 }),
      trustedProxies: env.listOf('SKYNET_TRUSTED_PROXIES', 'addresses or CIDR ranges', isAddressOrRange),
      rateLimitPerMinute: env.integer('SKYNET_DIAGNOSTIC_RATE_LIMIT_PER_MIN'),
    },
    auth: { apiKey: protectedApi ? apiKey : undefined, required, skyclaw: { tokens, required } },
    ledger: {
      leaseSeconds: env.integer('SKYNET_CONTROL_TASK_LOCK_TIMEOUT', { min: 1, max: DAY_SECONDS }),
      maxAttempts: env.integer('SKYNET_TASK_MAX_ATTEMPTS', { min: 1, max: 1_000 }),
      priorityAgeingSeconds: env.integer('SKYNET_PRIORITY_AGEING_SECS', { min: 1, max: 1_000_000 }),
      redactClaimTokens: env.flag('SKYNET_REDACT_CLAIM_TOKENS'),
      retentionDays: env.number('SKYNET_RETENTION_DAYS', { min: 0, max: 36_500 }),
    },
    events: {
      maxStreams: env.integer('SKYNET_EVENT_STREAMS_MAX', { min: 0, max: 10_000 }),
      pingMs: milliseconds(env, 'SKYNET_EVENT_STREAM_PING_SECS'),
      stallMs: milliseconds(env, 'SKYNET_EVENT_STREAM_STALL_SECS'),
    },
    registry: {
      seedHosts: env.isSet('OPENCLAW_GATEWAY_URLS')
        ? env.list('OPENCLAW_GATEWAY_URLS')
        : env.list('OPENCLAW_GATEWAY_URL'),
      hostAllowlist: env.list('SKYNET_GATEWAY_HOST_ALLOWLIST'),
      probeIntervalMs: milliseconds(env, 'SKYNET_GATEWAY_PROBE_SECS'),
      gatewayToken: env.isSet('SKYNET_GATEWAY_TOKEN') ? env.text('SKYNET_GATEWAY_TOKEN') : undefined,
    },
    openclaw: openclawConfig(env),
    scheduler: {
      enabled: env.flag('SKYNET_CONTROL_SCHEDULER_ENABLED'),
      pollMs: milliseconds(env, 'SKYNET_CONTROL_SCHEDULER_POLL_SECS'),
      workerId: env.text('SKYNET_CONTROL_SCHEDULER_WORKER_ID'),
      concurrency: env.integer('SKYNET_CONTROL_SCHEDULER_CONCURRENCY', { min: 1, max: 1_000 }),
      maxInFlightPerGateway: env.integer('SKYNET_GATEWAY_MAX_IN_FLIGHT', { min: 1, max: 1_000 }),
    },
    reaper: {
      enabled: env.flag('SKYNET_STALE_LOCK_REAPER_ENABLED'),
      pollMs: milliseconds(env, 'SKYNET_STALE_LOCK_REAPER_POLL_SECS'),
      onUnhealthy: env.oneOf('SKYNET_REAPER_ON_UNHEALTHY', ['release', 'fail']),
    },
    skyclaw: {
      nodeId: env.isSet('SKYCLAW_COORDINATOR_NODE_ID')
        ? env.text('SKYCLAW_COORDINATOR_NODE_ID')
        : `node_${randomUUID()}`,
      hostAuth: env.flag('SKYCLAW_HOST_AUTH'),
      hostTimeoutMs: env.integer('SKYCLAW_HOST_TIMEOUT_MS', { min: 100, max: DAY_MS }),
      leaseMs: env.integer('SKYCLAW_LEASE_MS', { min: 1_000, max: DAY_MS }),
      rolloutTimeoutMs: env.integer('SKYCLAW_ROLLOUT_TIMEOUT_MS', { min: 100, max: DAY_MS }),
      rolloutMaxFailures: env.integer('SKYCLAW_ROLLOUT_MAX_FAILURES', { min: 1, max: 1_000 }),
      jobMaxAttempts: env.integer('SKYCLAW_JOB_MAX_ATTEMPTS', { min: 1, max: 1_000 }),
      maxOutputBytes: env.integer('SKYCLAW_MAX_OUTPUT_BYTES', { min: 1_024, max: 3 * 1_048_576 }),
      maxLogBytes: env.integer('SKYCLAW_LOG_MAX_BYTES', { min: 1_024, max: 1_024 * 1_048_576 }),
      maxLogStreams: env.integer('SKYCLAW_LOG_STREAMS_MAX', { min: 0, max: 10_000 }),
    },
    cluster: {
      publicUrl: env.optional(
        'SKYCLAW_COORDINATOR_PUBLIC_URL',
        'an http(s) URL without credentials',
        (raw) => baseUrl(raw) ?? undefined,
      ),
      peerUrls: env
        .listOf('SKYCLAW_PEER_URLS', 'http(s) URLs without credentials', (entry) => baseUrl(entry) !== null)
        .map((entry) => baseUrl(entry) ?? entry),
      requiredStandbys: env.integer('SKYCLAW_MIN_REPLICATIONS', { min: 1, max: 100 }) - 1,
      commitWaitMs: env.integer('SKYCLAW_COMMIT_WAIT_MS', { min: 100, max: 50_000 }),
    },
    publicApi: publicApiConfig(env),
    webhooks: webhooksConfig(env),
    audit: auditConfig(env),
    tracing: tracingConfig(env),
    idempotencyTtlMs: env.integer('SKYCLAW_IDEMPOTENCY_TTL_MS', { min: 1 }),
    databasePoolSize: env.integer('SKYNET_DB_POOL_SIZE', { min: 2, max: 1_000 }),
    logLevel: env.oneOf('SKYNET_LOG_LEVEL', logLevels),
  });
}

function milliseconds(
  env: Env,
  name:
    | 'SKYNET_GATEWAY_PROBE_SECS'
    | 'SKYNET_CONTROL_SCHEDULER_POLL_SECS'
    | 'SKYNET_STALE_LOCK_REAPER_POLL_SECS'
    | 'SKYNET_EVENT_STREAM_PING_SECS'
    | 'SKYNET_EVENT_STREAM_STALL_SECS',
): number {
  return Math.round(env.number(name, { min: 0.01, max: DAY_SECONDS }) * 1_000);
}

function portFrom(raw: string): number | undefined {
  return /^\d{1,5}$/.test(raw) && Number(raw) <= 65_535 ? Number(raw) : undefined;
}

function isAddressOrRange(entry: string): boolean {
  return ipaddr.isValid(entry) || ipaddr.isValidCIDR(entry);
}
