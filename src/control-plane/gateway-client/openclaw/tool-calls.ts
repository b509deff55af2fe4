import { type Agent, request as send } from 'undici';
import { type Database } from '../../../platform/database/database.js';
import { jsonOrUndefined, readBounded } from '../../../platform/http/reply-body.js';
import { describe, type DispatchOutcome, outcomeOfError } from '../domain/outcome.js';
import { type AttemptOptions, type ExecutionOrder, type GatewayAddress } from '../gateway-protocol.js';
import { type AccessService } from './access.service.js';
import { type ToolCall } from './domain/agent-turn.js';
import { isObject, objectIn, textIn } from './domain/json.js';
import { type Links, outcomeOfFailedOpen, whyTurnedAway } from './links.js';
import { beginTurn, endTurn, findTurn } from './turns.queries.js';

const MAX_REPLY_BYTES = 4 * 1_048_576;
const DEADLINE_GRACE_SECONDS = 60;

/** An answer over HTTP. `body` is undefined when it is not JSON, as errors of proxies are not. */
export interface HttpReply {
  readonly status: number;
  readonly body: unknown;
  readonly retryAfterMs: number | null;
}

/** The HTTP face of a gateway: looks, and calls of tools. */
export class GatewayHttp {
  constructor(
    private readonly agent: Agent,
    private readonly links: Links,
    private readonly access: AccessService,
  ) {}

  /** Follows no redirect, and says nothing of whom it calls for. Throws what went wrong on the way. */
  async call(
    gateway: GatewayAddress,
    { path, payload }: { readonly path: string; readonly payload?: object },
    signal: AbortSignal,
  ): Promise<HttpReply> {
    const url = this.links.urlOf(gateway);
    const { credential, deviceToken } = await this.access.of(gateway);
    const token = credential === '' ? (deviceToken ?? '') : credential;
    const { statusCode, headers, body } = await send(`${url}${path}`, {
      dispatcher: this.agent,
      method: payload === undefined ? 'GET' : 'POST',
      signal,
      headers: {
        accept: 'application/json',
        ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(payload === undefined ? {} : { body: JSON.stringify(payload) }),
    });
    const seconds = Number(headers['retry-after']);
    return {
      status: statusCode,
      body: jsonOrUndefined(await readBounded(body, MAX_REPLY_BYTES)),
      retryAfterMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : null,
    };
  }
}

/**
 * Calls a tool, once. A gateway remembers no call, so a key whose outcome is not known is never sent again: the attempt
 * that finds it written down fails, and says so.
 */
export async function callTool(
  { database, http }: { readonly database: Database; readonly http: GatewayHttp },
  gateway: GatewayAddress,
  order: ExecutionOrder,
  call: ToolCall,
  options: AttemptOptions & { readonly timeoutSeconds: number },
): Promise<DispatchOutcome> {
  const { signal: given, timeoutMs, timeoutSeconds } = options;
  const limit = AbortSignal.timeout(Math.ceil(timeoutMs));
  const signal = given === undefined ? limit : AbortSignal.any([given, limit]);
  const begun = await beginTurn(database, {
    ...{ key: order.key, kind: 'tool', taskId: order.taskId, gatewayId: gateway.gatewayId },
    ...{ ofLedger: order.leaseNumber !== undefined, sessionKey: call.sessionKey ?? '', bootId: '' },
    deadlineSeconds: timeoutSeconds + DEADLINE_GRACE_SECONDS,
  });
  if (begun === null) return unknownCall(call);
  const payload = {
    ...{ tool: call.tool, args: call.args },
    ...(call.sessionKey === null ? {} : { sessionKey: call.sessionKey }),
  };
  const outcome = await http
    .call(gateway, { path: '/tools/invoke', payload }, signal)
    .then(outcomeOfTool, (error: unknown) => {
      const outcome = outcomeOfError(error);
      const isUnsent = outcome.kind === 'not-executed' || whyTurnedAway(error) !== null;
      return isUnsent ? outcomeOfFailedOpen(error, true) : outcome;
    });
  if (outcome.kind === 'not-executed') await endTurn(database, order.key);
  return outcome;
}

/** What becomes of a call that may have been made before. */
export async function askForTool(
  database: Database,
  key: string,
  call: ToolCall,
): Promise<DispatchOutcome | null> {
  return (await findTurn(database, key)) === null ? null : unknownCall(call);
}

function unknownCall({ tool }: ToolCall): DispatchOutcome {
  return {
    ...{ kind: 'failed', refused: false, status: 'unknown', result: { status: 'unknown' } },
    error: `It is not known whether ${tool} was called: the connection broke. It is not called again, since it might be done twice.`,
  };
}

/** What an answer to `POST /tools/invoke` says. Its status decides; a refusal of our token is no word on the task. */
export function outcomeOfTool({ status, body, retryAfterMs }: HttpReply): DispatchOutcome {
  const type = textIn(objectIn(body, 'error'), 'type');
  const error = textIn(objectIn(body, 'error'), 'message') || `HTTP ${status}`;
  if (status === 200 && isObject(body) && body['ok'] === true) {
    return { kind: 'succeeded', status: 'ok', result: { status: 'ok', result: body['result'] ?? null } };
  }
  const isOurToken = status === 401 && type !== 'authentication_error';
  if (isOurToken || status === 429 || (status === 503 && type === 'gateway_unavailable')) {
    return { kind: 'not-executed', error, transport: false, ofKey: true, retryAfterMs };
  }
  if (status >= 500) return { kind: 'unknown', error, transport: false };
  return {
    ...{ kind: 'failed', refused: status !== 200, status: 'error', error },
    result: isObject(body) ? body : {},
  };
}

/** A short text for what a look over HTTP met. */
export const describeReply = ({ status, body }: HttpReply): string => {
  const failing = isObject(body) && Array.isArray(body['failing']) ? body['failing'] : [];
  const names = failing.map((entry) => (typeof entry === 'string' ? entry : describe(JSON.stringify(entry))));
  return names.length === 0 ? `GET /readyz answered ${status}` : `not ready: ${names.join(', ')}`;
};
