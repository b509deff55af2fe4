import { ConfigError } from '../../../platform/config/config-error.js';
import { type Env } from '../../../platform/config/env.js';
import { secretsKey } from '../../../platform/secrets/sealing.js';

export interface OpenClawConfig {
  /** Undefined: nothing secret can be stored. */
  readonly secretsKey: Buffer | undefined;
  /** Undefined: no secret can be read from a file. */
  readonly secretsDir: string | undefined;
  readonly allowFull: boolean;
  readonly relayApprovals: boolean;
  /** Whether turns may go over HTTP where no connection can be opened. */
  readonly httpTurns: boolean;
  readonly startingMs: number;
  readonly resumeMs: number;
}

/** Throws {@link ConfigError} for a key that is none: going on without it would leave stored credentials unreadable. */
export function openclawConfig(env: Env): OpenClawConfig {
  const raw = env.isSet('SKYNET_SECRETS_KEY') ? env.text('SKYNET_SECRETS_KEY') : undefined;
  const key = raw === undefined ? undefined : secretsKey(raw);
  if (raw !== undefined && key === undefined) {
    throw new ConfigError(
      'SKYNET_SECRETS_KEY must be 32 bytes, as 64 hexadecimal digits or in base64; make one with: openssl rand -hex 32',
    );
  }
  const seconds = (name: 'SKYNET_OPENCLAW_STARTING_SECS' | 'SKYNET_OPENCLAW_RESUME_SECS') =>
    Math.round(env.number(name, { min: 0, max: 3_600 }) * 1_000);
  return {
    secretsKey: key,
    secretsDir: env.isSet('SKYNET_SECRETS_DIR') ? env.text('SKYNET_SECRETS_DIR') : undefined,
    allowFull: env.flag('SKYNET_OPENCLAW_ALLOW_FULL'),
    relayApprovals: env.flag('SKYNET_OPENCLAW_APPROVALS'),
    httpTurns: env.flag('SKYNET_OPENCLAW_HTTP_TURNS'),
    startingMs: seconds('SKYNET_OPENCLAW_STARTING_SECS'),
    resumeMs: seconds('SKYNET_OPENCLAW_RESUME_SECS'),
  };
}
