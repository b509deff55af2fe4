import { lookup as dnsLookup } from 'node:dns';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import ipaddr from 'ipaddr.js';
import { Agent, request } from 'undici';
import { type ActionRequest } from '../../contracts/gateway-api.js';
import { hostName, refusalOfAddress } from '../../platform/addresses/domain/address.js';
import { AddressRefusedError, guardedLookup } from '../../platform/addresses/guarded-lookup.js';
import { jsonOrUndefined, readBounded } from '../../platform/http/reply-body.js';
import { type ControlPlaneConfig } from '../config.js';
import { CONFIG } from '../runtime/index.js';
import { judgeHost } from './domain/gateway-host.js';
import { describe, type DispatchOutcome, outcomeOfError, outcomeOfReply } from './domain/outcome.js';

const MAX_REPLY_BYTES = 4 * 1_048_576;
const CONNECT_TIMEOUT_MS = 5_000;
const STATUS_TIMEOUT_MS = 5_000;

/** What a look at a gateway found. */
export type ProbeResult =
  | { readonly kind: 'ready' }
  | { readonly kind: 'not-ready'; readonly reason: string }
  | { readonly kind: 'unreachable'; readonly reason: string };

/**
 * Talks to gateways of our own protocol (`/status`, `/action`, `/sessions`). One pool of kept-alive connections for the
 * process. Follows no redirect, reads at most 4 MiB of an answer, sends no header that a caller of ours sent, and judges
 * the address of every connection anew, so a name that has changed its mind is refused.
 */
@Injectable()
export class GatewayClient implements OnApplicationShutdown {
  private readonly agent = new Agent({
    connectTimeout: CONNECT_TIMEOUT_MS,
    pipelining: 1,
    // Ours are the only time limits: an action may be silent for as long as it may run.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: CONNECT_TIMEOUT_MS, lookup: guardedLookup },
  });

  constructor(@Inject(CONFIG) private readonly config: ControlPlaneConfig) {}

  /** Whether a gateway can take actions now. Never throws. */
  async probe(host: string): Promise<ProbeResult> {
    try {
      const { status, body } = await this.call(
        host,
        'GET',
        '/status',
        undefined,
        AbortSignal.timeout(STATUS_TIMEOUT_MS),
      );
      if (status !== 200 || typeof body !== 'object' || body === null) {
        return {
          kind: 'unreachable',
          reason: `GET /status answered ${status}${status === 200 ? ' without an object' : ''}`,
        };
      }
      const { agent_connected, ssh_fallback_enabled, ssh_fallback_healthy } = body as Record<string, unknown>;
      const ready =
        agent_connected === true || (ssh_fallback_enabled === true && ssh_fallback_healthy === true);
      return ready ? { kind: 'ready' } : { kind: 'not-ready', reason: 'no connected agent' };
    } catch (error) {
      return { kind: 'unreachable', reason: describe(error) };
    }
  }

  /** Asks a gateway to execute an action, once. Never throws; `signal` and `timeoutMs` make the outcome unknown. */
  async execute(
    host: string,
    action: ActionRequest,
    { signal, timeoutMs }: { readonly signal?: AbortSignal; readonly timeoutMs: number },
  ): Promise<DispatchOutcome> {
    const limit = AbortSignal.timeout(Math.ceil(timeoutMs));
    try {
      const both = signal === undefined ? limit : AbortSignal.any([signal, limit]);
      return outcomeOfReply(await this.call(host, 'POST', '/action', JSON.stringify(action), both));
    } catch (error) {
      return outcomeOfError(error);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.agent.destroy();
  }

  private async call(
    host: string,
    method: 'GET' | 'POST',
    path: string,
    payload: string | undefined,
    signal: AbortSignal,
  ): Promise<{ status: number; body: unknown; retryAfterMs: number | null }> {
    const { gatewayToken, hostAllowlist } = this.config.registry;
    const verdict = judgeHost(host, hostAllowlist);
    if (!verdict.ok) throw new AddressRefusedError(`Invalid gateway host: ${verdict.reason}`);
    const { statusCode, headers, body } = await request(`${verdict.host}${path}`, {
      dispatcher: this.agent,
      method,
      signal,
      headers: {
        accept: 'application/json',
        ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
        ...(gatewayToken === undefined ? {} : { authorization: `Bearer ${gatewayToken}` }),
      },
      ...(payload === undefined ? {} : { body: payload }),
    });
    const seconds = Number(headers['retry-after']);
    return {
      status: statusCode,
      body: jsonOrUndefined(await readBounded(body, MAX_REPLY_BYTES)),
      retryAfterMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : null,
    };
  }
}

/** Why the present addresses of a host may not be called; null when they may, or when there are none yet. */
export async function refusalOfHost(host: string): Promise<string | null> {
  const name = hostName(new URL(host));
  if (ipaddr.isValid(name)) return refusalOfAddress(name);
  return new Promise((resolve) => {
    dnsLookup(name, { all: true }, (error, addresses) => {
      // A name that does not resolve is accepted: it is offline until it does, and is judged at every connection.
      const refusals = error === null ? addresses.map(({ address }) => refusalOfAddress(address)) : [];
      resolve(refusals.find((reason) => reason !== null) ?? null);
    });
  });
}
