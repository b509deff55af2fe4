import { isIP } from 'node:net';
import { type ActionsConfig, actionsConfig } from '../actions/index.js';
import { type Env } from '../platform/config/env.js';
import { logLevels } from '../platform/logging/logger.js';
import { type TracingConfig, tracingConfig } from '../platform/tracing/tracing.config.js';
import { type AgentsConfig, agentsConfig } from './agents/agents.config.js';
import { type BackupConfig, backupConfig } from './backup/index.js';
import { ConfigError } from '../platform/config/config-error.js';
import { type HeartbeatsConfig, heartbeatsConfig } from './heartbeats/index.js';
import { memoryFolder } from './profiles/index.js';
import { type ProvidersConfig, providersConfig } from './providers/index.js';
import { type SshConfig, sshConfig } from './ssh/index.js';
import { type RegistrationConfig, registrationConfig } from './registration/index.js';
import { type SkillsConfig, skillsConfig } from './skills/index.js';
import { type SentinelConfig, sentinelConfig } from './sentinel/index.js';
import { type TelegramConfig, telegramConfig } from './telegram/index.js';
import { type ProjectsConfig, projectsConfig } from './projects/projects.config.js';

export interface GatewayConfig {
  readonly host: string;
  readonly port: number;
  /** Unset: whoever reaches the gateway may use it. */
  readonly token: string | undefined;
  /** Folders that actions may touch. */
  readonly allowedRoots: readonly string[];
  readonly actions: ActionsConfig;
  readonly maxBodyBytes: number;
  readonly databasePoolSize: number;
  readonly logLevel: string;
  /** How long a shutdown waits for running actions. */
  readonly patienceMs: number;
  /** How much longer than its action may run a caller waits for the answer. */
  readonly answerGraceMs: number;
  /** Where agents connect; undefined: none can. */
  readonly agents: AgentsConfig | undefined;
  readonly providers: ProvidersConfig;
  readonly ssh: SshConfig;
  /** Undefined: the gateway tells nobody of itself. */
  readonly registration: RegistrationConfig | undefined;
  readonly skills: SkillsConfig;
  /** Undefined: there is no bot. */
  readonly telegram: TelegramConfig | undefined;
  readonly projects: ProjectsConfig;
  readonly sentinel: SentinelConfig;
  readonly heartbeats: HeartbeatsConfig;
  readonly backup: BackupConfig;
  /** Undefined: no spans are recorded. */
  readonly tracing: TracingConfig | undefined;
  /** Where facts of people are kept as files; undefined: nowhere. */
  readonly memoryFolder: string | undefined;
}

/** file_write carries up to 1 MiB of content, and JSON may need six bytes for one of its characters. */
const LEAST_MAX_BODY_BYTES = 8 * 1_048_576;

export function gatewayConfig(env: Env): GatewayConfig {
  const host = env.isSet('SKYNET_HTTP_HOST') ? env.text('SKYNET_HTTP_HOST') : env.text('OPENCLAW_HTTP_HOST');
  const token = env.isSet('SKYNET_GATEWAY_TOKEN') ? env.text('SKYNET_GATEWAY_TOKEN') : undefined;
  if (!isLoopback(host) && token === undefined && !env.flag('OPENCLAW_HTTP_ALLOW_UNAUTHENTICATED')) {
    throw new ConfigError(
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
    actions: actionsConfig(env),
    // One setting for all programs: what is enough for the others may be too little for a file.
    maxBodyBytes: Math.max(LEAST_MAX_BODY_BYTES, env.integer('SKYNET_MAX_BODY_BYTES', { min: 1 })),
    databasePoolSize: env.integer('SKYNET_DB_POOL_SIZE', { min: 2, max: 1_000 }),
    logLevel: env.oneOf('SKYNET_LOG_LEVEL', logLevels),
    patienceMs: 15_000,
    answerGraceMs: 5_000,
    agents: agentsConfig(env),
    providers: providersConfig(env),
    ssh: sshConfig(env),
    registration: registrationConfig(env),
    skills: skillsConfig(env),
    telegram: telegramConfig(env),
    projects: projectsConfig(env, allowedRoots),
    sentinel: sentinelConfig(),
    heartbeats: heartbeatsConfig(),
    backup: backupConfig(env),
    tracing: tracingConfig(env),
    memoryFolder: memoryFolder(env),
  });
}

/** Whether only programs on this machine reach an address or a name. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
