import { setTimeout as wait } from 'node:timers/promises';
import { describe, type DispatchOutcome } from '../domain/outcome.js';
import { type Connection, entriesOf, RpcError } from './connection.js';
import { type AgentTurn } from './domain/agent-turn.js';
import { isCut, type Standing, standingOf } from './domain/transcript.js';
import { failedTurn, hasEnded, outcomeOfEnd, outcomeOfReply, type TurnNames } from './domain/turn-end.js';
import { mayGoOverHttp, turnOverHttp } from './http-turns.js';
import { outcomeOfFailedOpen } from './links.js';
import { type TurnParts, type TurnRequest } from './turn-request.js';
import { beginTurn, endTurn, findTurn, resendTurn, type StoredTurn } from './turns.queries.js';
import { watchEvents } from './watch-events.js';

/** The gateway is asked for the end of a turn in slices of this length. */
const SLICE_MS = 30_000;
/** Beyond a slice, for the way there and back: then the connection counts as dead. */
const SLICE_GRACE_MS = 15_000;
const LOOK_AGAIN_MS = 2_000;
/** For so long a process of the gateway surely knows a key that comes again. */
const REPLAY_MS = 300_000;
/** Beyond a turn's own limit, for a restart of the gateway in the middle of it. */
const DEADLINE_GRACE_SECONDS = 180;
const FEW_ROWS = 20;
const MANY_ROWS = 1_000;

/** Refusals that the same request would meet again. */
const DEFINITE = new Set(['INVALID_REQUEST', 'FORBIDDEN', 'NOT_FOUND']);

/**
 * Brings a turn to its end, whatever has become of it before. The rule: a key is sent when our records say that it never
 * was, or when the same process of the gateway surely still knows it, or when the session's transcript shows that it never
 * arrived; otherwise what is under way is adopted, and what has ended is read.
 *
 * Never throws; where it is interrupted the outcome is unknown, and the next attempt goes on from what is written down.
 */
export async function bringToItsEnd(parts: TurnParts, request: TurnRequest): Promise<DispatchOutcome> {
  const limit = AbortSignal.timeout(Math.ceil(request.options.timeoutMs));
  const { signal: given } = request.options;
  const signal = given === undefined ? limit : AbortSignal.any([given, limit]);
  try {
    const known = await findTurn(parts.database, request.order.key);
    if (known?.kind === 'http') return await turnOverHttp(parts, request, known, signal);
    let connection: Connection;
    try {
      connection = await parts.links.open(request.gateway, wishOf(parts, request), signal);
    } catch (error) {
      if (known === null && (await mayGoOverHttp(parts, request, error, signal))) {
        return await turnOverHttp(parts, request, null, signal);
      }
      return outcomeOfFailedOpen(error, known === null);
    }
    try {
      return await new TurnAttempt(parts, request, connection, signal).run(known);
    } finally {
      connection.close();
    }
  } catch (error) {
    return { kind: 'unknown', error: describe(error), transport: false };
  }
}

const relaysApprovals = ({ config }: TurnParts, { turn, options }: TurnRequest): boolean =>
  config.relayApprovals && turn.permissionMode === 'guarded' && options.watcher !== undefined;

const wishOf = (parts: TurnParts, request: TurnRequest) => ({
  asAdmin: relaysApprovals(parts, request) || request.turn.permissionMode === 'full',
  relaysApprovals: relaysApprovals(parts, request),
});

class TurnAttempt {
  private readonly names: TurnNames;
  /** What the gateway calls the run; null while that is not known. */
  private runId: string | null = null;
  private quietSince: number | null = null;
  private isShuttingDown = false;

  constructor(
    private readonly parts: TurnParts,
    private readonly request: TurnRequest,
    private readonly connection: Connection,
    private readonly signal: AbortSignal,
  ) {
    const { turn, order } = request;
    this.names = { agentId: turn.agentId, sessionKey: turn.sessionKey, runId: order.key };
    const { watcher } = request.options;
    connection.onEvent((event, payload) => {
      if (event === 'shutdown') this.expectBack();
      if (watcher !== undefined) watchEvents(watcher, event, payload, { ...turn, runIds: this.runIds() });
    });
  }

  async run(known: StoredTurn | null): Promise<DispatchOutcome> {
    const isSameProcess = known?.bootId === this.connection.bootId;
    if (known === null || (isSameProcess && known.sentMsAgo < REPLAY_MS)) {
      const refusal = await this.send(known);
      if (refusal !== null) return refusal;
    }
    if (known !== null) await this.tellOfOpenApprovals();
    for (;;) {
      const end = await this.nextEnd(known);
      if (end !== null) return end;
    }
  }

  /** One round: waits a while for the run that is known, and looks at the transcript when that brings no end. */
  private async nextEnd(known: StoredTurn | null): Promise<DispatchOutcome | null> {
    const { runId } = this;
    if (runId !== null) {
      const answer = await this.connection.call(
        'agent.wait',
        { runId, timeoutMs: SLICE_MS },
        SLICE_MS + SLICE_GRACE_MS,
      );
      if (hasEnded(answer)) {
        const end = outcomeOfEnd(answer, { ...this.names, runId }, this.request.timeoutSeconds);
        // A gateway that shuts down ends its turns, and resumes them when it is back.
        if (end.kind !== 'failed' || !this.isShuttingDown) return end;
        return { kind: 'unknown', error: 'The gateway is restarting.', transport: false };
      }
    }
    const standing = await this.standing();
    if (standing.kind !== 'quiet') this.quietSince = null;
    switch (standing.kind) {
      case 'replied':
        return outcomeOfReply(standing.text, this.names);
      case 'absent':
        return this.send(known ?? (await findTurn(this.parts.database, this.request.order.key)));
      case 'active':
        if (await this.isTooLate()) return this.giveUp('The turn went on beyond its limit, and was aborted.');
        this.runId = standing.runId;
        if (standing.runId === null) await this.pause();
        return null;
      case 'quiet':
        this.runId = null;
        this.quietSince ??= performance.now();
        if (performance.now() - this.quietSince >= this.parts.config.resumeMs) {
          const why = standing.error === '' ? '' : `: ${standing.error}`;
          return this.giveUp(`The turn was interrupted and not resumed${why}`);
        }
        await this.pause();
        return null;
    }
  }

  /** Sends the key, after it is written down to which process. Null when it was taken; else what became of it. */
  private async send(known: StoredTurn | null): Promise<DispatchOutcome | null> {
    const { order, turn, timeoutSeconds } = this.request;
    const { database } = this.parts;
    try {
      await this.connection.call('sessions.create', {
        ...{ key: turn.sessionKey, agentId: turn.agentId, permissionMode: turn.permissionMode },
        ...(turn.model === null ? {} : { model: turn.model }),
      });
      const noted =
        known === null ? await this.begin() : await resendTurn(database, order.key, this.connection.bootId);
      if (noted === null) return { kind: 'unknown', error: 'The turn is in other hands.', transport: false };
      await this.connection.call('agent', {
        ...{ message: turn.message, agentId: turn.agentId, sessionKey: turn.sessionKey },
        ...{ idempotencyKey: order.key, timeout: timeoutSeconds },
      });
      this.runId = order.key;
      return null;
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      return this.refused(error, known === null);
    }
  }

  private begin(): Promise<StoredTurn | null> {
    const { order, turn, gateway, timeoutSeconds } = this.request;
    return beginTurn(this.parts.database, {
      ...{ key: order.key, kind: 'agent', taskId: order.taskId, gatewayId: gateway.gatewayId },
      ...{ ofLedger: order.leaseNumber !== undefined, sessionKey: turn.sessionKey },
      ...{ bootId: this.connection.bootId, deadlineSeconds: timeoutSeconds + DEADLINE_GRACE_SECONDS },
    });
  }

  /** A refusal of a key that never came before leaves nothing behind; of another it says nothing about earlier attempts. */
  private async refused(error: RpcError, isNew: boolean): Promise<DispatchOutcome> {
    const text = `${error.code}: ${error.message}`;
    const isDefinite = DEFINITE.has(error.code) && !error.isRetryable;
    if (!isDefinite && !error.isRetryable) return { kind: 'unknown', error: text, transport: false };
    if (isNew) await endTurn(this.parts.database, this.request.order.key);
    if (isDefinite) return { kind: 'failed', refused: true, status: 'error', error: text, result: {} };
    return {
      ...{ kind: 'not-executed', error: text, transport: false },
      ...{ ofKey: isNew, retryAfterMs: error.retryAfterMs },
    };
  }

  private async standing(): Promise<Standing> {
    const { sessionKey } = this.request.turn;
    const look = (limit: number) => this.connection.call('chat.history', { sessionKey, limit });
    let history = await look(FEW_ROWS);
    if (isCut(history)) history = await look(MANY_ROWS);
    return standingOf(history, this.request.order.key);
  }

  private async isTooLate(): Promise<boolean> {
    return (await findTurn(this.parts.database, this.request.order.key))?.isPastDeadline ?? false;
  }

  /** Whatever the turn has become goes by another connection, or by none: only an administrator may abort it. */
  private async giveUp(why: string): Promise<DispatchOutcome> {
    const { gateway, turn } = this.request;
    const connection = await this.parts.links.open(gateway, { asAdmin: true }, this.signal);
    try {
      await abortTurn(connection, turn, this.runIds());
    } finally {
      connection.close();
    }
    return failedTurn(why, this.names);
  }

  private runIds(): string[] {
    const { key } = this.request.order;
    return this.runId === null || this.runId === key ? [key] : [key, this.runId];
  }

  /** What was asked while nobody listened. */
  private async tellOfOpenApprovals(): Promise<void> {
    const { watcher } = this.request.options;
    if (watcher === undefined || !relaysApprovals(this.parts, this.request)) return;
    for (const entry of entriesOf(await this.connection.call('exec.approval.list', {}), 'approvals')) {
      const owner = { ...this.request.turn, runIds: this.runIds() };
      watchEvents(watcher, 'exec.approval.requested', entry, owner);
    }
  }

  private expectBack(): void {
    this.isShuttingDown = true;
    // A hint for the prober; without it the gateway is offline a little sooner.
    this.parts.access.expectBack(this.request.gateway).catch(() => undefined);
  }

  private async pause(): Promise<void> {
    await wait(LOOK_AGAIN_MS, undefined, { signal: this.signal });
  }
}

/** Ends the runs of a turn, and in a session that nobody else uses whatever else goes on. */
export async function abortTurn(
  connection: Connection,
  { sessionKey, ownsSession }: Pick<AgentTurn, 'sessionKey' | 'ownsSession'>,
  runIds: readonly string[],
): Promise<void> {
  for (const runId of runIds) await connection.call('chat.abort', { sessionKey, runId });
  if (ownsSession) await connection.call('sessions.abort', { key: sessionKey, clearQueued: true });
  else {
    const standing = standingOf(
      await connection.call('chat.history', { sessionKey, limit: FEW_ROWS }),
      runIds[0] ?? '',
    );
    if (standing.kind === 'active' && standing.runId !== null && !runIds.includes(standing.runId)) {
      await connection.call('chat.abort', { sessionKey, runId: standing.runId });
    }
  }
}

/** Whether a session is one that only this task uses, by its name. */
export const isOwnSession = (sessionKey: string, sessionName: string): boolean =>
  sessionKey.split(':').slice(2).join(':') === sessionName;
