import { createHash } from 'node:crypto';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Agent } from 'undici';
import { limitSecondsOf, openclawActions } from '../../../contracts/actions.js';
import { guardedLookup } from '../../../platform/addresses/guarded-lookup.js';
import { Database, type Db } from '../../../platform/database/database.js';
import { type ControlPlaneConfig } from '../../config.js';
import { CONFIG } from '../../runtime/index.js';
import { describe, type DispatchOutcome } from '../domain/outcome.js';
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
import { AccessService } from './access.service.js';
import { abortTurn, bringToItsEnd, isOwnSession } from './agent-turns.js';
import { RpcError } from './connection.js';
import { readAgentTurn, readToolCall } from './domain/agent-turn.js';
import { textIn } from './domain/json.js';
import { describeReply, GatewayHttp } from './gateway-http.js';
import { isSessionAtWork, servesTurns } from './http-turns.js';
import { Links, probeOfFailure, whyTurnedAway } from './links.js';
import { forgetSuspension } from './suspensions.queries.js';
import { Suspensions } from './suspensions.js';
import { askForTool, callTool } from './tool-calls.js';
import { type TurnParts } from './turn-request.js';
import { endTurn, findTurn, listTurns, noteAbort, pruneTurns, type StoredTurn } from './turns.queries.js';

const CONNECT_TIMEOUT_MS = 5_000;
const LOOK_TIMEOUT_MS = 10_000;
const CALL_TIMEOUT_MS = 30_000;

/**
 * Talks to real OpenClaw gateways: turns over their WebSocket, tools and looks over HTTP. What it must not forget between
 * a first byte and a recorded end is in `openclaw_turns`, so that any replica, and any later process, can go on.
 */
@Injectable()
export class OpenClawProtocol implements GatewayProtocol, OnApplicationShutdown {
  readonly serves = openclawActions;

  private readonly agent = new Agent({
    connectTimeout: CONNECT_TIMEOUT_MS,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: CONNECT_TIMEOUT_MS, lookup: guardedLookup },
  });
  private readonly parts: TurnParts;
  private readonly links: Links;
  private readonly http: GatewayHttp;
  private readonly suspensions: Suspensions;

  constructor(
    private readonly database: Database,
    private readonly access: AccessService,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
  ) {
    this.links = new Links(access, config);
    this.http = new GatewayHttp(this.agent, this.links, access);
    this.parts = {
      ...{ database, access, links: this.links, http: this.http, config: config.openclaw },
      overHttp: new Map(),
    };
    this.suspensions = new Suspensions(database, this.links);
  }

  admit(db: Db, gateway: GatewayAddress, credential: GivenCredential | null): Promise<void> {
    return this.access.admit(db, gateway, credential);
  }

  async forget(db: Db, gatewayId: string): Promise<void> {
    await this.access.forget(db, gatewayId);
    await forgetSuspension(db, gatewayId);
  }

  /** Its readiness, and whether it lets us in: the former is told to everybody. */
  async probe(gateway: GatewayAddress): Promise<ProbeResult> {
    const signal = AbortSignal.timeout(LOOK_TIMEOUT_MS);
    try {
      const reply = await this.http.call(gateway, { path: '/readyz' }, signal);
      if (reply.status === 503) return { kind: 'not-ready', reason: describeReply(reply) };
      if (reply.status !== 200) return await this.silence(gateway, describeReply(reply));
      return await this.probeConnection(gateway, signal);
    } catch (error) {
      const found = probeOfFailure(error);
      return found.kind === 'unreachable' ? this.silence(gateway, found.reason) : found;
    }
  }

  /** Coming up takes a while: no alarm before that is over. */
  async silence({ gatewayId }: GatewayAddress, reason: string): Promise<ProbeResult> {
    return (await this.access.isStarting(gatewayId))
      ? { kind: 'not-ready', reason: `it may still be starting: ${reason}` }
      : { kind: 'unreachable', reason };
  }

  execute(gateway: GatewayAddress, order: ExecutionOrder, options: AttemptOptions): Promise<DispatchOutcome> {
    return this.attempt(gateway, order, options);
  }

  askAgain(
    gateway: GatewayAddress,
    order: ExecutionOrder,
    options: AttemptOptions,
  ): Promise<DispatchOutcome> {
    return this.attempt(gateway, order, options);
  }

  async unsettled(limit: number): Promise<readonly UnsettledExecution[]> {
    await pruneTurns(this.database);
    return listTurns(this.database, limit);
  }

  /** A gateway that was restarted may resume the turn later: it is aborted again until that is past. */
  async cancel(gateway: GatewayAddress, key: string): Promise<void> {
    const turn = await findTurn(this.database, key);
    if (turn === null) return;
    this.parts.overHttp.get(key)?.abort();
    if (turn.kind === 'http' && (await this.isHungUp(gateway, turn))) {
      await endTurn(this.database, key);
      return;
    }
    if (turn.kind !== 'tool') {
      const sinceMs = await noteAbort(this.database, key);
      // A run may be aborted by the connection that began it, which may be gone, or by an administrator.
      const wish = { asAdmin: true };
      const connection = await this.links.open(gateway, wish, AbortSignal.timeout(CALL_TIMEOUT_MS));
      try {
        const ownsSession = isOwnSession(turn.sessionKey, sessionNameOf(turn.taskId));
        await abortTurn(connection, { sessionKey: turn.sessionKey, ownsSession }, [key]);
        const mayResume = turn.bootId !== connection.bootId && sinceMs < 2 * this.config.openclaw.resumeMs;
        if (mayResume) return;
      } finally {
        connection.close();
      }
    }
    await endTurn(this.database, key);
  }

  settled(key: string): Promise<void> {
    return endTurn(this.database, key);
  }

  async approve(gateway: GatewayAddress, approvalId: string, decision: string): Promise<ApprovalOutcome> {
    const wish = { asAdmin: true, relaysApprovals: true };
    const connection = await this.links.open(gateway, wish, AbortSignal.timeout(CALL_TIMEOUT_MS));
    try {
      await connection.call('exec.approval.resolve', { id: approvalId, decision });
      return 'resolved';
    } catch (error) {
      const reason = error instanceof RpcError ? textIn(error.details, 'reason') : '';
      if (reason === 'APPROVAL_NOT_FOUND' || reason === 'APPROVAL_ALREADY_RESOLVED') return 'gone';
      throw error;
    } finally {
      connection.close();
    }
  }

  suspend(gateway: GatewayAddress): Promise<boolean> {
    return this.suspensions.suspend(gateway);
  }

  unsuspend(gateway: GatewayAddress): Promise<void> {
    return this.suspensions.unsuspend(gateway);
  }

  suspended(): Promise<readonly string[]> {
    return this.suspensions.suspended();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.agent.destroy();
  }

  /** A gateway that is ready: whether it lets us in, and in what way. */
  private async probeConnection(gateway: GatewayAddress, signal: AbortSignal): Promise<ProbeResult> {
    try {
      (await this.links.open(gateway, {}, signal)).close();
      return { kind: 'ready' };
    } catch (error) {
      if (whyTurnedAway(error) !== null) throw error;
      if (this.config.openclaw.httpTurns && (await servesTurns(this.http, gateway, signal))) {
        return { kind: 'ready' };
      }
      return { kind: 'not-ready', reason: `its WebSocket cannot be opened: ${describe(error)}` };
    }
  }

  /** Whether a turn over HTTP is over since nobody is on the line; a gateway that died meanwhile may resume it. */
  private async isHungUp(gateway: GatewayAddress, turn: StoredTurn): Promise<boolean> {
    if (turn.isPastDeadline) return true;
    const limit = AbortSignal.timeout(LOOK_TIMEOUT_MS);
    return !(await isSessionAtWork(this.http, gateway, turn.sessionKey, limit));
  }

  private async attempt(
    gateway: GatewayAddress,
    order: ExecutionOrder,
    options: AttemptOptions,
  ): Promise<DispatchOutcome> {
    const timeoutSeconds = limitSecondsOf(order.action, order.params);
    try {
      switch (order.action) {
        case 'openclaw.agent': {
          const turn = readAgentTurn(order.params, {
            confirmed: order.confirmed,
            allowFull: this.config.openclaw.allowFull,
            sessionName: sessionNameOf(order.taskId),
          });
          if (!turn.ok) return refused(turn.error);
          return await bringToItsEnd(this.parts, {
            gateway,
            order,
            turn: turn.value,
            timeoutSeconds,
            options,
          });
        }
        case 'openclaw.tool': {
          const call = readToolCall(order.params);
          if (!call.ok) return refused(call.error);
          const before = await askForTool(this.database, order.key, call.value);
          const parts = { database: this.database, http: this.http };
          return (
            before ?? (await callTool(parts, gateway, order, call.value, { ...options, timeoutSeconds }))
          );
        }
        default:
          return refused(
            `Action ${order.action} is not supported by an OpenClaw gateway; it serves ${openclawActions.join(', ')}.`,
          );
      }
    } catch (error) {
      return { kind: 'unknown', error: describe(error), transport: false };
    }
  }
}

const refused = (error: string): DispatchOutcome => ({
  ...{ kind: 'failed', refused: true, status: 'error', error, result: {} },
});

/** The name of a task's own session. Gateways do not tell upper from lower case, so such ids go by their hash. */
function sessionNameOf(taskId: string): string {
  const plain = /^[a-z0-9][a-z0-9._-]{0,99}$/.test(taskId) && !taskId.startsWith('h.');
  return `skynet-${plain ? taskId : `h.${createHash('sha256').update(taskId).digest('hex').slice(0, 40)}`}`;
}
