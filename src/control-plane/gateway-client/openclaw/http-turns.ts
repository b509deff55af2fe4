import { setTimeout as wait } from 'node:timers/promises';
import { jsonOrUndefined } from '../../../platform/http/reply-body.js';
import { describe, type DispatchOutcome, outcomeOfError } from '../domain/outcome.js';
import { type GatewayAddress } from '../gateway-protocol.js';
import { readCompletion } from './domain/completion-stream.js';
import { refusalOf } from './domain/http-refusal.js';
import { isObject, listIn, objectIn, textIn } from './domain/json.js';
import { isCutText, lastRowOf, standingByText } from './domain/keyless-transcript.js';
import { type Standing } from './domain/transcript.js';
import {
  failedTurn,
  limitReached,
  outcomeOfReply,
  outcomeOfStream,
  type TurnNames,
} from './domain/turn-end.js';
import { type GatewayHttp } from './gateway-http.js';
import { whyTurnedAway } from './links.js';
import { type TurnParts, type TurnRequest } from './turn-request.js';
import { beginTurn, endTurn, findTurn, resendTurn, type StoredTurn } from './turns.queries.js';

const LOOK_AGAIN_MS = 2_000;
const DEADLINE_GRACE_SECONDS = 180;
const ROWS = 200;
/** There is no code for it. */
const NO_SESSION = /: (?:No session found|Session not found): /;

/**
 * Whether a turn may go over HTTP since its connection could not be opened. Not when the gateway has turned us away, and
 * not without the operator's word: no permission mode can be set there.
 */
export async function mayGoOverHttp(
  { config, http }: TurnParts,
  { gateway, turn }: TurnRequest,
  error: unknown,
  signal: AbortSignal,
): Promise<boolean> {
  if (!config.httpTurns || turn.permissionMode === 'read-only' || whyTurnedAway(error) !== null) return false;
  return servesTurns(http, gateway, signal);
}

/** Whether a gateway takes turns over HTTP, and from us. */
export async function servesTurns(
  http: GatewayHttp,
  gateway: GatewayAddress,
  signal: AbortSignal,
): Promise<boolean> {
  return http.call(gateway, { path: '/v1/models' }, signal).then(
    ({ status }) => status === 200,
    // It does not answer: what could not open a connection tells more of why.
    () => false,
  );
}

/** Whether a gateway says that a session is at work. Throws when it does not say. */
export async function isSessionAtWork(
  http: GatewayHttp,
  gateway: GatewayAddress,
  sessionKey: string,
  signal: AbortSignal,
): Promise<boolean> {
  const args = { activeOnly: true, search: sessionKey, limit: ROWS };
  const found = await askTool(http, gateway, { tool: 'sessions_list', args, sessionKey }, signal);
  return listIn(found, 'sessions').some((session) => textIn(session, 'key') === sessionKey);
}

/**
 * Brings a turn over HTTP to its end. The request is the turn: while it is open the turn goes on, and hanging up ends it,
 * except that a gateway which dies resumes it later. What was sent before is looked for in the transcript, where rows bear
 * no key, and is sent anew only when it is not there.
 */
export function turnOverHttp(
  parts: TurnParts,
  request: TurnRequest,
  known: StoredTurn | null,
  signal: AbortSignal,
): Promise<DispatchOutcome> {
  const attempt = new HttpTurn(parts, request, signal);
  return known === null ? attempt.send(null) : attempt.findOut(known);
}

class HttpTurn {
  private readonly names: TurnNames;

  constructor(
    private readonly parts: TurnParts,
    private readonly request: TurnRequest,
    private readonly signal: AbortSignal,
  ) {
    const { turn, order } = request;
    this.names = { agentId: turn.agentId, sessionKey: turn.sessionKey, runId: order.key };
  }

  async send(known: StoredTurn | null): Promise<DispatchOutcome> {
    const { order, turn, gateway, timeoutSeconds, options } = this.request;
    let noted: StoredTurn | null;
    if (known !== null) noted = await resendTurn(this.parts.database, order.key, '');
    else {
      // Where the session cannot be looked at now, what became of the turn could not be found out later.
      const rowsBefore = await this.history().then(lastRowOf, (error: unknown) => describe(error));
      if (typeof rowsBefore === 'string') return notSent(rowsBefore);
      noted = await this.begin(rowsBefore);
    }
    if (noted === null) return { kind: 'unknown', error: 'The turn is in other hands.', transport: false };
    const limit = AbortSignal.timeout(timeoutSeconds * 1_000);
    const cancelled = new AbortController();
    this.parts.overHttp.set(order.key, cancelled);
    try {
      const answer = await this.parts.http.stream(
        gateway,
        {
          path: '/v1/chat/completions',
          payload: {
            ...{ model: `openclaw/${turn.agentId}`, stream: true },
            messages: [{ role: 'user', content: turn.message }],
          },
          headers: {
            'x-openclaw-session-key': turn.sessionKey,
            ...(turn.model === null ? {} : { 'x-openclaw-model': turn.model }),
          },
        },
        AbortSignal.any([this.signal, limit, cancelled.signal]),
      );
      if (answer.kind === 'reply') {
        const refusal = refusalOf(answer.reply);
        const unclear = 'The gateway answered a turn with something that is no stream.';
        return await this.refused(refusal ?? { kind: 'unknown', error: unclear, transport: false }, known);
      }
      const end = await readCompletion(answer.body, (delta) => options.watcher?.text(delta));
      return outcomeOfStream(end, this.names);
    } catch (error) {
      if (cancelled.signal.aborted) return failedTurn('The turn was cancelled.', this.names);
      if (limit.aborted && !this.signal.aborted) return limitReached(timeoutSeconds, this.names);
      return await this.refused(outcomeOfError(error), known);
    } finally {
      this.parts.overHttp.delete(order.key);
    }
  }

  async findOut(known: StoredTurn): Promise<DispatchOutcome> {
    const { resumeMs } = this.parts.config;
    let last: Standing['kind'] | null = null;
    let quietSince = 0;
    for (;;) {
      const standing = await this.standing(known);
      const isSeenAgain = last === standing.kind;
      last = standing.kind;
      switch (standing.kind) {
        case 'replied':
          return outcomeOfReply(standing.text, this.names, isCutText(standing.text));
        case 'absent':
          // What was on its way when somebody hung up has arrived by the second look, if ever.
          if (isSeenAgain) return this.send(known);
          break;
        case 'active':
          if (await this.isTooLate()) return failedTurn('The turn went on beyond its limit.', this.names);
          break;
        case 'quiet': {
          const now = performance.now();
          if (!isSeenAgain) quietSince = now;
          if (now - quietSince >= resumeMs) {
            const why = standing.error === '' ? '' : `: ${standing.error}`;
            return failedTurn(`The turn was interrupted and not resumed${why}`, this.names);
          }
        }
      }
      await wait(LOOK_AGAIN_MS, undefined, { signal: this.signal });
    }
  }

  /** Written down with where the session stands: its later rows are the turn's. */
  private begin(rowsBefore: number): Promise<StoredTurn | null> {
    const { order, turn, gateway, timeoutSeconds } = this.request;
    return beginTurn(this.parts.database, {
      ...{ key: order.key, kind: 'http', taskId: order.taskId, gatewayId: gateway.gatewayId },
      ...{ ofLedger: order.leaseNumber !== undefined, sessionKey: turn.sessionKey, bootId: '' },
      ...{ deadlineSeconds: timeoutSeconds + DEADLINE_GRACE_SECONDS, rowsBefore },
    });
  }

  /** What was refused without having been sent before leaves nothing behind. */
  private async refused(outcome: DispatchOutcome, known: StoredTurn | null): Promise<DispatchOutcome> {
    if (outcome.kind !== 'not-executed') return outcome;
    if (known === null) await endTurn(this.parts.database, this.request.order.key);
    return { ...outcome, ofKey: known === null };
  }

  private async standing({ rowsBefore }: StoredTurn): Promise<Standing> {
    const { gateway, turn } = this.request;
    // In this order: what ends in between has its reply in the transcript.
    const isActive = await isSessionAtWork(this.parts.http, gateway, turn.sessionKey, this.signal);
    return standingByText(await this.history(), isActive, { ...turn, rowsBefore });
  }

  /** The transcript; empty for a session that is not there yet. */
  private async history(): Promise<unknown> {
    const { gateway, turn } = this.request;
    const { sessionKey } = turn;
    const args = { sessionKey, limit: ROWS, includeTools: true };
    const asked = { tool: 'sessions_history', args, sessionKey };
    try {
      return await askTool(this.parts.http, gateway, asked, this.signal);
    } catch (error) {
      if (error instanceof ToolRefusal && NO_SESSION.test(error.message)) return {};
      throw error;
    }
  }

  private async isTooLate(): Promise<boolean> {
    return (await findTurn(this.parts.database, this.request.order.key))?.isPastDeadline ?? false;
  }
}

const notSent = (error: string): DispatchOutcome => ({
  ...{ kind: 'not-executed', error, transport: false, ofKey: true, retryAfterMs: null },
});

/** A tool says itself that it cannot answer. */
class ToolRefusal extends Error {}

/** What a tool that changes nothing says. Throws when it is not there or does not say. */
async function askTool(
  http: GatewayHttp,
  gateway: GatewayAddress,
  payload: { readonly tool: string; readonly args: object; readonly sessionKey: string },
  signal: AbortSignal,
): Promise<unknown> {
  const { status, body } = await http.call(gateway, { path: '/tools/invoke', payload }, signal);
  if (status !== 200) throw new Error(`${payload.tool} answered ${status}.`);
  const result = objectIn(body, 'result');
  const [part] = listIn(result, 'content');
  const said = isObject(result['details']) ? result['details'] : jsonOrUndefined(textIn(part, 'text'));
  const trouble = textIn(said, 'error');
  if (trouble !== '') throw new ToolRefusal(`${payload.tool}: ${trouble}`);
  if (!isObject(said)) throw new Error(`${payload.tool} gave no answer.`);
  return said;
}
