import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Agent, request } from 'undici';
import { type ActionRequest } from '../../../contracts/gateway-api.js';
import { AddressRefusedError, guardedLookup } from '../../../platform/addresses/guarded-lookup.js';
import { type Db } from '../../../platform/database/database.js';
import { jsonOrUndefined, readBounded } from '../../../platform/http/reply-body.js';
import { Problem } from '../../../platform/problems/problem.js';
import { type TraceContext, traceFields } from '../../../platform/tracing/domain/trace-context.js';
import { type ControlPlaneConfig } from '../../config.js';
import { CONFIG } from '../../runtime/index.js';
import { judgeHost } from '../domain/gateway-host.js';
import { describe, type DispatchOutcome, outcomeOfError, outcomeOfReply } from '../domain/outcome.js';
import {
  type ApprovalOutcome,
  type AttemptOptions,
  type ExecutionOrder,
  type GatewayAddress,
  type GatewayProtocol,
  type GivenCredential,
  type ProbeResult,
  type UnsettledExecution,
} from '../gateway-protocol.js';

const MAX_REPLY_BYTES = 4 * 1_048_576;
const CONNECT_TIMEOUT_MS = 5_000;
const STATUS_TIMEOUT_MS = 5_000;

/**
 * Talks to gateways of our own protocol (`/status`, `/action`). One pool of kept-alive connections for the process.
 * Follows no redirect, reads at most 4 MiB of an answer, sends no header that a caller of ours sent, and judges the
 * address of every connection anew, so a name that has changed its mind is refused. Such a gateway runs a key once, so to
 * ask again is to send the same key again; it cannot cancel, and asks for no approval.
 */
@Injectable()
export class SkynetProtocol implements GatewayProtocol, OnApplicationShutdown {
  readonly serves = null;

  private readonly agent = new Agent({
    connectTimeout: CONNECT_TIMEOUT_MS,
    pipelining: 1,
    // Ours are the only time limits: an action may be silent for as long as it may run.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: CONNECT_TIMEOUT_MS, lookup: guardedLookup },
  });

  constructor(@Inject(CONFIG) private readonly config: ControlPlaneConfig) {}

  admit(_db: Db, _gateway: GatewayAddress, credential: GivenCredential | null): Promise<void> {
    if (credential === null) return Promise.resolve();
    throw new Problem(
      'invalid-credential',
      'A credential is for gateways of protocol openclaw; others are called with SKYNET_GATEWAY_TOKEN.',
    );
  }

  forget(): Promise<void> {
    return Promise.resolve();
  }

  async probe({ host }: GatewayAddress): Promise<ProbeResult> {
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

  silence(_gateway: GatewayAddress, reason: string): Promise<ProbeResult> {
    return Promise.resolve({ kind: 'unreachable', reason });
  }

  async execute(
    { host }: GatewayAddress,
    { action, params, confirmed, taskId, key, leaseNumber, files, trace = null }: ExecutionOrder,
    { signal, timeoutMs }: AttemptOptions,
  ): Promise<DispatchOutcome> {
    const body: ActionRequest = {
      ...{ action, params, confirmed, task_id: taskId, idempotency_key: key },
      ...(leaseNumber === undefined ? {} : { lease_number: leaseNumber }),
      ...(files === undefined || files.length === 0 ? {} : { files }),
      ...traceFields(trace),
    };
    const limit = AbortSignal.timeout(Math.ceil(timeoutMs));
    try {
      const both = signal === undefined ? limit : AbortSignal.any([signal, limit]);
      return outcomeOfReply(await this.call(host, 'POST', '/action', JSON.stringify(body), both, trace));
    } catch (error) {
      return outcomeOfError(error);
    }
  }

  askAgain(
    gateway: GatewayAddress,
    order: ExecutionOrder,
    options: AttemptOptions,
  ): Promise<DispatchOutcome> {
    return this.execute(gateway, order, options);
  }

  unsettled(): Promise<readonly UnsettledExecution[]> {
    return Promise.resolve([]);
  }

  cancel(): Promise<void> {
    return Promise.resolve();
  }

  settled(): Promise<void> {
    return Promise.resolve();
  }

  approve(): Promise<ApprovalOutcome> {
    return Promise.resolve('gone');
  }

  suspend(): Promise<boolean> {
    return Promise.resolve(false);
  }

  unsuspend(): Promise<void> {
    return Promise.resolve();
  }

  suspended(): Promise<readonly string[]> {
    return Promise.resolve([]);
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
    trace: TraceContext | null = null,
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
        ...traceFields(trace),
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
