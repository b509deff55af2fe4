import { isIP } from 'node:net';
import { type Env } from '../platform/config/env.js';
import { logLevels } from '../platform/logging/logger.js';

export interface ServiceGatewayConfig {
  readonly host: string;
  readonly port: number;
  /** Unset: whoever reaches the gateway may use it. */
  readonly token: string | undefined;
  readonly coordinatorUrls: readonly string[];
  readonly coordinatorToken: string | undefined;
  readonly refreshMs: number;
  readonly probeMs: number;
  /** Of services that name none. */
  readonly healthPath: string;
  readonly probeTimeoutMs: number;
  readonly retryAttempts: number;
  readonly cooldownMs: number;
  /** To the head of an answer, and between two pieces of its body. */
  readonly timeoutMs: number;
  readonly maxHeaderBytes: number;
  readonly maxWebSockets: number;
  /** Addresses and CIDR ranges of proxies whose word on scheme and host is taken. */
  readonly trustedProxies: readonly string[];
  readonly logLevel: string;
  /** How long a shutdown waits for what is under way. */
  readonly patienceMs: number;
}

const LONGEST_MS = 86_400_000;

/** A second less than a program may take to end. */
const PATIENCE_MS = 19_000;

export function serviceGatewayConfig(env: Env): ServiceGatewayConfig {
  const time = { min: 1, max: LONGEST_MS };
  const urls = coordinatorUrls(env);
  return Object.freeze({
    host: env.text('SKYCLAW_GATEWAY_HOST'),
    port: env.integer('SKYCLAW_GATEWAY_PORT', { min: 0, max: 65_535 }),
    token: optional(env.text('SKYCLAW_GATEWAY_TOKEN')),
    coordinatorUrls: urls,
    coordinatorToken: optional(env.text('SKYCLAW_TOKEN')),
    refreshMs: env.integer('SKYCLAW_GATEWAY_REFRESH_MS', time),
    probeMs: env.integer('SKYCLAW_GATEWAY_HEALTH_PROBE_MS', time),
    healthPath: env.text('SKYCLAW_GATEWAY_HEALTH_PATH'),
    probeTimeoutMs: env.integer('SKYCLAW_GATEWAY_HEALTH_TIMEOUT_MS', time),
    retryAttempts: env.integer('SKYCLAW_GATEWAY_RETRY_ATTEMPTS', { min: 0, max: 10 }),
    cooldownMs: env.integer('SKYCLAW_GATEWAY_UNHEALTHY_COOLDOWN_MS', { min: 0, max: LONGEST_MS }),
    timeoutMs: env.integer('SKYCLAW_GATEWAY_TIMEOUT_MS', time),
    maxHeaderBytes: env.integer('SKYCLAW_GATEWAY_MAX_HEADER_BYTES', { min: 1_024, max: 1_048_576 }),
    maxWebSockets: env.integer('SKYCLAW_GATEWAY_MAX_WEBSOCKETS', { min: 0, max: 1_000_000 }),
    trustedProxies: env.listOf('SKYNET_TRUSTED_PROXIES', 'addresses or CIDR ranges', isAddressOrRange),
    logLevel: env.oneOf('SKYNET_LOG_LEVEL', logLevels),
    patienceMs: PATIENCE_MS,
  });
}

/** The replicas of the coordinator, without a slash at their ends; the default when no entry is an http(s) URL. */
function coordinatorUrls(env: Env): readonly string[] {
  const isHttp = (url: string) => /^https?:\/\//i.test(url) && URL.canParse(url);
  const several = env.listOf('SKYCLAW_COORDINATOR_URLS', 'http(s) URLs', isHttp);
  const one = env.listOf('SKYCLAW_COORDINATOR_URL', 'http(s) URLs', isHttp);
  const urls = several.length > 0 ? several : one;
  return (urls.length > 0 ? urls : ['http://127.0.0.1:8787']).map((url) => url.replace(/\/+$/, ''));
}

const optional = (text: string) => (text === '' ? undefined : text);

function isAddressOrRange(entry: string): boolean {
  const [address = '', bits] = entry.split('/');
  const family = isIP(address);
  if (family === 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}
