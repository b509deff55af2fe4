import { ConfigError } from '../platform/config/config-error.js';
import { resolve } from 'node:path';
import { type Env } from '../platform/config/env.js';
import { variables } from '../platform/config/variables/index.js';
import { logLevels } from '../platform/logging/logger.js';
import { mayBePassed } from './domain/child-environment.js';
import { LEAST_OUTPUT_BYTES } from './domain/output-text.js';

export interface PodmanConfig {
  readonly image: string;
  readonly memoryMb: number;
  readonly cpus: number;
  readonly pids: number;
  readonly tmpMb: number;
  /** Unset: podman's own choice, and runc where that does not work. */
  readonly runtime: string | undefined;
  readonly network: string | undefined;
  /** Whether containers may be those of root. */
  readonly mayBeRootful: boolean;
}

export interface ServicesConfig {
  readonly basePort: number;
  /** Without a slash at its end. */
  readonly publicBaseUrl: string;
  readonly startLimitMs: number;
}

export interface HostConfig {
  readonly coordinatorUrls: readonly string[];
  readonly token: string | undefined;
  /** Undefined: the one that is kept in the state folder. */
  readonly hostId: string | undefined;
  readonly name: string;
  readonly capabilities: readonly string[];
  readonly probesFile: string | undefined;
  readonly probePeriodMs: number;
  readonly allowedCommands: readonly string[];
  readonly openclawCommand: string;
  readonly denyInlineEval: boolean;
  readonly passEnv: readonly string[];
  readonly maxParallel: number;
  readonly defaultLimitMs: number;
  readonly maxOutputBytes: number;
  readonly pollMs: number;
  readonly heartbeatMs: number;
  readonly requestTimeoutMs: number;
  /** How long a shutdown lets jobs go on. */
  readonly patienceMs: number;
  readonly workRoot: string;
  readonly stateDir: string;
  /** Undefined: this host runs no services. */
  readonly services: ServicesConfig | undefined;
  /** Undefined: children run as the daemon's own user, beside it. */
  readonly podman: PodmanConfig | undefined;
  readonly logLevel: string;
  /** Settings that were left out, a sentence each. */
  readonly warnings: readonly string[];
}

/** What is left of the 20 s of a shutdown is for kills and reports. */
const MOST_PATIENCE_MS = 16_000;
const MOST_MS = 2_147_483_647;

export function hostConfig(env: Env): HostConfig {
  const stateDir = resolve(env.text('SKYCLAW_STATE_DIR'));
  const podman = podmanConfig(env);
  const { passEnv, warnings } = passedVariables(env);
  const services = env.flag('SKYCLAW_SERVICE_HOST_ENABLED') ? servicesConfig(env) : undefined;
  return Object.freeze({
    coordinatorUrls: coordinatorUrls(env),
    token: env.isSet('SKYCLAW_TOKEN') ? env.text('SKYCLAW_TOKEN') : undefined,
    hostId: env.text('SKYCLAW_HOST_ID') === 'auto' ? undefined : env.text('SKYCLAW_HOST_ID'),
    name: env.isSet('SKYCLAW_HOST_NAME') ? env.text('SKYCLAW_HOST_NAME') : `openclaw-node-${process.pid}`,
    // What is switched off is not offered.
    capabilities: env
      .list('SKYCLAW_CAPABILITIES')
      .filter((name) => services !== undefined || name !== 'service-host'),
    probesFile: env.isSet('SKYCLAW_CAPABILITY_PROBES') ? env.text('SKYCLAW_CAPABILITY_PROBES') : undefined,
    probePeriodMs: env.integer('SKYCLAW_CAPABILITY_PROBE_MS', { min: 100, max: MOST_MS }),
    allowedCommands: env.listOf(
      'SKYCLAW_ALLOWED_COMMANDS',
      'command names without a path',
      (name) => !name.includes('/'),
    ),
    openclawCommand: env.text('SKYCLAW_OPENCLAW_COMMAND'),
    denyInlineEval: env.flag('SKYCLAW_DENY_INLINE_EVAL'),
    passEnv,
    maxParallel: env.integer('SKYCLAW_MAX_PARALLEL', { min: 1, max: 10_000 }),
    defaultLimitMs: env.integer('SKYCLAW_TIMEOUT_MS', { min: 1, max: MOST_MS }),
    maxOutputBytes: env.integer('SKYCLAW_MAX_OUTPUT_BYTES', { min: LEAST_OUTPUT_BYTES, max: 3 * 1_048_576 }),
    pollMs: env.integer('SKYCLAW_POLL_MS', { min: 10, max: MOST_MS }),
    heartbeatMs: env.integer('SKYCLAW_HEARTBEAT_MS', { min: 50, max: MOST_MS }),
    requestTimeoutMs: env.integer('SKYCLAW_REQUEST_TIMEOUT_MS', { min: 50, max: MOST_MS }),
    patienceMs: env.integer('SKYCLAW_SHUTDOWN_GRACE_MS', { min: 0, max: MOST_PATIENCE_MS }),
    workRoot: resolve(workRoot(env, stateDir, podman !== undefined)),
    stateDir,
    services,
    podman,
    logLevel: env.oneOf('SKYNET_LOG_LEVEL', logLevels),
    warnings,
  });
}

function coordinatorUrls(env: Env): readonly string[] {
  const listed = env.list('SKYCLAW_COORDINATOR_URLS');
  const urls = listed.length > 0 ? listed : [env.text('SKYCLAW_COORDINATOR_URL')];
  return [
    ...new Set(urls.map((url) => httpUrl(url, 'SKYCLAW_COORDINATOR_URL(S)', 'http://coordinator:8787'))),
  ];
}

function servicesConfig(env: Env): ServicesConfig {
  const name = 'SKYCLAW_SERVICE_HOST_PUBLIC_BASE_URL';
  return {
    basePort: env.integer('SKYCLAW_SERVICE_BASE_PORT', { min: 1, max: 65_535 }),
    publicBaseUrl: httpUrl(env.text(name), name, 'http://10.0.0.7'),
    startLimitMs: env.integer('SKYCLAW_SERVICE_START_MS', { min: 100, max: MOST_MS }),
  };
}

function podmanConfig(env: Env): PodmanConfig | undefined {
  if (env.oneOf('SKYCLAW_ISOLATION', ['none', 'podman']) === 'none') return undefined;
  if (!env.isSet('SKYCLAW_CONTAINER_IMAGE')) {
    throw new ConfigError(
      'SKYCLAW_ISOLATION=podman needs SKYCLAW_CONTAINER_IMAGE: the image of jobs and services that name none.',
    );
  }
  return {
    image: env.text('SKYCLAW_CONTAINER_IMAGE'),
    memoryMb: env.integer('SKYCLAW_CONTAINER_MEMORY_MB', { min: 8, max: 16_777_216 }),
    cpus: env.number('SKYCLAW_CONTAINER_CPUS', { min: 0.01, max: 4_096 }),
    pids: env.integer('SKYCLAW_CONTAINER_PIDS', { min: 4, max: 4_194_304 }),
    tmpMb: env.integer('SKYCLAW_CONTAINER_TMP_MB', { min: 1, max: 1_048_576 }),
    runtime: env.isSet('SKYCLAW_CONTAINER_RUNTIME') ? env.text('SKYCLAW_CONTAINER_RUNTIME') : undefined,
    network: env.isSet('SKYCLAW_CONTAINER_NETWORK') ? env.text('SKYCLAW_CONTAINER_NETWORK') : undefined,
    mayBeRootful: env.flag('SKYCLAW_PODMAN_ROOTFUL'),
  };
}

function workRoot(env: Env, stateDir: string, isolated: boolean): string {
  if (env.isSet('SKYCLAW_WORK_ROOT')) return env.text('SKYCLAW_WORK_ROOT');
  return isolated ? resolve(stateDir, 'work') : '.';
}

const SECRETS: ReadonlySet<string> = new Set(
  Object.entries(variables)
    .filter(([, variable]) => 'secret' in variable)
    .map(([name]) => name),
);

function passedVariables(env: Env): { passEnv: readonly string[]; warnings: readonly string[] } {
  const names = env.list('SKYCLAW_PASS_ENV');
  const passEnv = names.filter((name) => mayBePassed(name, SECRETS));
  const warnings = names
    .filter((name) => !passEnv.includes(name))
    .map((name) => `SKYCLAW_PASS_ENV names ${name}, which is never passed to a job.`);
  return { passEnv, warnings };
}

/** An address without the slash at its end. */
function httpUrl(text: string, name: string, example: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new ConfigError(`${name} should be an address like ${example}.`);
  }
  return text.replace(/\/+$/, '');
}
