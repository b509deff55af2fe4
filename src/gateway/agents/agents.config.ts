import { readFileSync } from 'node:fs';
import { PING_EVERY_MS, PONG_WITHIN_MS } from '../../contracts/agent-socket.js';
import { type Env } from '../../platform/config/env.js';
import { ConfigError } from '../../platform/config/config-error.js';

export interface AgentsConfig {
  readonly host: string;
  readonly port: number;
  /** What an agent has to show. */
  readonly token: string;
  /** Absent: agents connect without encryption. */
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  readonly pingEveryMs: number;
  readonly pongWithinMs: number;
  /** How long the connected agent may take to show that it lives, when another one comes. */
  readonly rivalPongWithinMs: number;
  /** How long a connection may take to say who it is. */
  readonly helloWithinMs: number;
}

/** Where agents connect; undefined without a token, since then none may. */
export function agentsConfig(env: Env): AgentsConfig | undefined {
  const tls = tlsConfig(env);
  const token = firstOf(env, 'SKYNET_AUTH_TOKEN', 'OPENCLAW_AUTH_TOKEN');
  if (token === undefined) return undefined;
  return Object.freeze({
    host: firstOf(env, 'SKYNET_WS_HOST') ?? env.text('OPENCLAW_WS_HOST'),
    port: env.integer(env.isSet('SKYNET_WS_PORT') ? 'SKYNET_WS_PORT' : 'OPENCLAW_WS_PORT', {
      min: 0,
      max: 65_535,
    }),
    token,
    tls,
    pingEveryMs: PING_EVERY_MS,
    pongWithinMs: PONG_WITHIN_MS,
    rivalPongWithinMs: 3_000,
    helloWithinMs: 10_000,
  });
}

function tlsConfig(env: Env): AgentsConfig['tls'] {
  const cert = firstOf(env, 'SKYNET_TLS_CERT', 'OPENCLAW_TLS_CERT');
  const key = firstOf(env, 'SKYNET_TLS_KEY', 'OPENCLAW_TLS_KEY');
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    throw new ConfigError(
      'SKYNET_TLS_CERT and SKYNET_TLS_KEY belong together: set both, or neither for a socket without encryption.',
    );
  }
  return { cert: contentOf(cert, 'SKYNET_TLS_CERT'), key: contentOf(key, 'SKYNET_TLS_KEY') };
}

function contentOf(path: string, name: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new ConfigError(`${name} cannot be read: ${(error as Error).message}`);
  }
}

function firstOf(env: Env, ...names: readonly Parameters<Env['text']>[0][]): string | undefined {
  const name = names.find((candidate) => env.isSet(candidate));
  return name === undefined ? undefined : env.text(name);
}
