import { isIP } from 'node:net';
import { type Env } from '../platform/config/env.js';
import { logLevels } from '../platform/logging/logger.js';
import { type ProjectsConfig, projectsConfig } from './projects/projects.config.js';

export interface GatewayConfig {
  readonly host: string;
  readonly port: number;
  /** Unset: whoever reaches the gateway may use it. */
  readonly token: string | undefined;
  /** Folders that actions may touch. */
  readonly allowedRoots: readonly string[];
  readonly maxBodyBytes: number;
  readonly databasePoolSize: number;
  readonly logLevel: string;
  /** How long a shutdown waits for running actions. */
  readonly patienceMs: number;
  /** How much longer than its action may run a caller waits for the answer. */
  readonly answerGraceMs: number;
  readonly projects: ProjectsConfig;
}

/** A setting that makes starting unsafe or senseless; the message says what to do. */
export class GatewayConfigError extends Error {}

/** file_write carries up to 1 MiB of content, and JSON may need six bytes for one of its characters. */
const LEAST_MAX_BODY_BYTES = 8 * 1_048_576;

export function gatewayConfig(env: Env): GatewayConfig {
  const host = env.isSet('SKYNET_HTTP_HOST') ? env.text('SKYNET_HTTP_HOST') : env.text('OPENCLAW_HTTP_HOST');
  const token = env.isSet('SKYNET_GATEWAY_TOKEN') ? env.text('SKYNET_GATEWAY_TOKEN') : undefined;
  if (!isLoopback(host) && token === undefined && !env.flag('OPENCLAW_HTTP_ALLOW_UNAUTHENTICATED')) {
    throw new GatewayConfigError(
      `Refusing to listen on ${host} without a token. Set SKYNET_GATEWAY_TOKEN here and on the control plane, ` +
        'or OPENCLAW_HTTP_ALLOW_UNAUTHENTICATED=1 if the network itself is protected.',
    );
  }
  const roots = env.isSet('SKYNET_ALLOWED_ROOTS')
    ? env.text('SKYNET_ALLOWED_ROOTS')
    : env.text('OPENCLAW_ALLOWED_ROOTS');
  const allowedRoots = roots
    .split(/[;,]/)
    .map((root) => root.trim())
    .filter((root) => root !== '');
  return Object.freeze({
    host,
    port: env.integer(env.isSet('SKYNET_HTTP_PORT') ? 'SKYNET_HTTP_PORT' : 'OPENCLAW_HTTP_PORT', {
      min: 0,
      max: 65_535,
    }),
    token,
    allowedRoots,
    // One setting for all programs: what is enough for the others may be too little for a file.
    maxBodyBytes: Math.max(LEAST_MAX_BODY_BYTES, env.integer('SKYNET_MAX_BODY_BYTES', { min: 1 })),
    databasePoolSize: env.integer('SKYNET_DB_POOL_SIZE', { min: 2, max: 1_000 }),
    logLevel: env.oneOf('SKYNET_LOG_LEVEL', logLevels),
    patienceMs: 15_000,
    answerGraceMs: 5_000,
    projects: projectsConfig(env, allowedRoots),
  });
}

/** Whether only programs on this machine reach an address or a name. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
