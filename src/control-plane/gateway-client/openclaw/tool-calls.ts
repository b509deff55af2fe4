import { type Database } from '../../../platform/database/database.js';
import { type DispatchOutcome, outcomeOfError } from '../domain/outcome.js';
import { type AttemptOptions, type ExecutionOrder, type GatewayAddress } from '../gateway-protocol.js';
import { type ToolCall } from './domain/agent-turn.js';
import { isObject } from './domain/json.js';
import { errorIn, refusalOf } from './domain/http-refusal.js';
import { type GatewayHttp, type HttpReply } from './gateway-http.js';
import { outcomeOfFailedOpen, whyTurnedAway } from './links.js';
import { beginTurn, endTurn, findTurn } from './turns.queries.js';

const DEADLINE_GRACE_SECONDS = 60;

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
export function outcomeOfTool(reply: HttpReply): DispatchOutcome {
  const { status, body } = reply;
  if (status === 200 && isObject(body) && body['ok'] === true) {
    return { kind: 'succeeded', status: 'ok', result: { status: 'ok', result: body['result'] ?? null } };
  }
  return (
    refusalOf(reply) ?? {
      ...{ kind: 'failed', refused: false, status: 'error', error: errorIn(reply) },
      result: isObject(body) ? body : {},
    }
  );
}
