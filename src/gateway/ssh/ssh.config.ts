import { homedir } from 'node:os';
import ssh2 from 'ssh2';
import { type Env } from '../../platform/config/env.js';
import { type AgentName } from '../../actions/index.js';

export type RemoteOs = 'windows' | 'linux';

/** Where actions go, who we are there, and how the host is known. */
export interface SshTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** In memory only. */
  readonly privateKey: Buffer | undefined;
  readonly keyPath: string | undefined;
  readonly password: string | undefined;
  readonly pinnedHostKeys: readonly string[];
  readonly knownHostsPath: string;
  readonly strictHostKey: boolean;
  readonly os: RemoteOs;
  /** As they were given: what `%USERPROFILE%` is, only the host knows. */
  readonly roots: readonly string[];
  /** How the coding agents are called there. */
  readonly agents: Readonly<Record<AgentName, string>>;
  /** The providers that cline may switch between, the preferred one first; empty when it may not. */
  readonly clineProviders: readonly string[];
  readonly connectTimeoutMs: number;
  readonly commandTimeoutSeconds: number;
  readonly healthIntervalMs: number;
}

export interface SshConfig {
  /** Actions go through SSH and nowhere else. */
  readonly forced: boolean;
  /** Undefined: SSH is not enabled, or says not as whom to log in. */
  readonly target: SshTarget | undefined;
}

const FORCED = ['ssh', 'ssh_tunnel', 'tunnel', 'ssh-only'] as const;
const DEFAULT_ROOTS: Readonly<Record<RemoteOs, string>> = {
  windows: '%USERPROFILE%\\Projects;%USERPROFILE%\\Documents',
  linux: '/home;/tmp',
};

export function sshConfig(env: Env): SshConfig {
  const mode = env.oneOf('OPENCLAW_EXECUTION_MODE', ['agent_preferred', ...FORCED]);
  const forced = mode !== 'agent_preferred';
  const isEnabled = forced || env.flag('OPENCLAW_SSH_FALLBACK_ENABLED');
  const isConfigured = isEnabled && env.isSet('OPENCLAW_SSH_USER');
  return Object.freeze({ forced, target: isConfigured ? Object.freeze(targetOf(env)) : undefined });
}

function targetOf(env: Env): SshTarget {
  const os = env.oneOf('OPENCLAW_SSH_REMOTE_OS', ['windows', 'linux']);
  const optional = (name: 'OPENCLAW_SSH_KEY_PATH' | 'OPENCLAW_SSH_PASSWORD') =>
    env.isSet(name) ? env.text(name) : undefined;
  return {
    host: env.text('OPENCLAW_SSH_HOST'),
    port: env.integer('OPENCLAW_SSH_PORT', { min: 1, max: 65_535 }),
    user: env.text('OPENCLAW_SSH_USER'),
    privateKey: env.optional(
      'OPENCLAW_SSH_PRIVATE_KEY_B64',
      'a private key without a passphrase, in base64',
      keyOf,
    ),
    keyPath: optional('OPENCLAW_SSH_KEY_PATH')?.replace(/^~(?=\/)/, () => homedir()),
    password: optional('OPENCLAW_SSH_PASSWORD'),
    pinnedHostKeys: env
      .list('OPENCLAW_SSH_HOST_KEY')
      // Of "type base64 comment" the second word, of anything else the first.
      .map((entry) => /^(?:ssh-|ecdsa-|sk-)\S+\s+(\S+)/.exec(entry)?.[1] ?? entry),
    knownHostsPath: env.text('OPENCLAW_SSH_KNOWN_HOSTS').replace(/^~(?=\/)/, () => homedir()),
    strictHostKey: env.flag('OPENCLAW_SSH_STRICT_HOST_KEY'),
    os,
    roots: (env.isSet('OPENCLAW_SSH_ALLOWED_ROOTS')
      ? env.text('OPENCLAW_SSH_ALLOWED_ROOTS')
      : DEFAULT_ROOTS[os]
    )
      .split(/[;,]/)
      .map((root) => root.trim())
      .filter((root) => root !== ''),
    agents: {
      codex: env.text('OPENCLAW_SSH_CODEX_BIN'),
      claude: env.text('OPENCLAW_SSH_CLAUDE_BIN'),
      cline: env.text('OPENCLAW_SSH_CLINE_BIN'),
      openclaw: env.text('OPENCLAW_SSH_OPENCLAW_BIN'),
    },
    clineProviders: env.flag('OPENCLAW_CLINE_AUTO_SWITCH')
      ? env.listOf('OPENCLAW_CLINE_PROVIDER_PRIORITY', 'names of providers', (name) =>
          /^[A-Za-z0-9_-]+$/.test(name),
        )
      : [],
    connectTimeoutMs: env.number('OPENCLAW_SSH_CONNECT_TIMEOUT', { min: 0.1, max: 60 }) * 1_000,
    commandTimeoutSeconds: env.number('OPENCLAW_SSH_COMMAND_TIMEOUT', { min: 1, max: 3_600 }),
    healthIntervalMs: env.number('OPENCLAW_SSH_HEALTH_CACHE_SECONDS', { min: 0.1, max: 3_600 }) * 1_000,
  };
}

function keyOf(base64: string): Buffer | undefined {
  const key = Buffer.from(base64, 'base64');
  return ssh2.utils.parseKey(key) instanceof Error ? undefined : key;
}
