import { ConfigError } from '../platform/config/config-error.js';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type ActionsConfig, actionsConfig } from '../actions/index.js';
import { type Env } from '../platform/config/env.js';
import { logLevels } from '../platform/logging/logger.js';
import { type TracingConfig, tracingConfig } from '../platform/tracing/tracing.config.js';

export interface AgentConfig {
  readonly gatewayUrl: string;
  readonly token: string;
  readonly tls: AgentTls;
  /** Folders that actions may touch. */
  readonly allowedRoots: readonly string[];
  readonly actions: ActionsConfig;
  readonly stateDir: string;
  /** The pause before the first try to connect again; it doubles from try to try. */
  readonly reconnectMs: number;
  /** How long a shutdown waits for running actions. */
  readonly patienceMs: number;
  readonly logLevel: string;
  /** Undefined: no spans are recorded. */
  readonly tracing: TracingConfig | undefined;
}

export interface AgentTls {
  /** The only authority whose certificates are taken; undefined: those that Node.js knows. */
  readonly ca: Buffer | undefined;
  /** Any certificate is taken. */
  readonly insecure: boolean;
}

const MOST_RECONNECT_SECS = 120;

export function agentConfig(env: Env): AgentConfig {
  const token = env.text(env.isSet('SKYNET_AUTH_TOKEN') ? 'SKYNET_AUTH_TOKEN' : 'OPENCLAW_AUTH_TOKEN');
  if (token === '') throw new ConfigError('Set SKYNET_AUTH_TOKEN to the same value as at the gateway.');
  const roots = env.text(
    env.isSet('SKYNET_ALLOWED_ROOTS') ? 'SKYNET_ALLOWED_ROOTS' : 'OPENCLAW_ALLOWED_ROOTS',
  );
  return Object.freeze({
    gatewayUrl: gatewayUrl(env),
    token,
    tls: { ca: authority(env), insecure: env.flag('OPENCLAW_TLS_INSECURE') },
    allowedRoots: roots
      .split(/[;,]/)
      .map((root) => root.trim())
      .filter((root) => root !== ''),
    actions: actionsConfig(env),
    stateDir: resolve(env.text('SKYNET_AGENT_STATE_DIR')),
    reconnectMs: env.number('SKYNET_AGENT_RECONNECT_SECS', { min: 0.01, max: MOST_RECONNECT_SECS }) * 1_000,
    patienceMs: 15_000,
    logLevel: env.oneOf('SKYNET_LOG_LEVEL', logLevels),
    tracing: tracingConfig(env),
  });
}

/** SKYNET_GATEWAY_URL, else OPENCLAW_GATEWAY_URL if it is the address of a WebSocket; there is no other. */
function gatewayUrl(env: Env): string {
  const own = env.isSet('SKYNET_GATEWAY_URL') ? env.text('SKYNET_GATEWAY_URL') : undefined;
  const shared = env.isSet('OPENCLAW_GATEWAY_URL') ? env.text('OPENCLAW_GATEWAY_URL') : '';
  const text = own ?? (/^wss?:/i.test(shared) ? shared : undefined);
  if (text === undefined) {
    throw new ConfigError(
      'Set SKYNET_GATEWAY_URL to the address of the gateway for agents, such as wss://gateway.example:8765/agent/ws.',
    );
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (
    url === undefined ||
    !/^wss?:$/.test(url.protocol) ||
    url.hash !== '' ||
    url.username + url.password !== ''
  ) {
    throw new ConfigError(
      'SKYNET_GATEWAY_URL should be an address like wss://gateway.example:8765/agent/ws, without a user or password.',
    );
  }
  return url.href;
}

function authority(env: Env): Buffer | undefined {
  if (!env.isSet('SKYNET_TLS_CA')) return undefined;
  try {
    return readFileSync(env.text('SKYNET_TLS_CA'));
  } catch (error) {
    throw new ConfigError(`SKYNET_TLS_CA cannot be read: ${(error as Error).message}`);
  }
}
