import { type JsonObject } from '../../../../platform/database/row.js';
import { type DispatchOutcome } from '../../domain/outcome.js';
import { type CompletionEnd } from './completion-stream.js';
import { isObject, numberIn, objectIn, textIn } from './json.js';

/** What is kept of a turn's text. */
const MAX_TEXT = 1_000_000;

export interface TurnNames {
  readonly agentId: string;
  readonly sessionKey: string;
  readonly runId: string;
}

/** Whether the answer to `agent.wait` tells of an end: nothing else of it does. */
export const hasEnded = (answer: unknown): boolean =>
  isObject(answer) && numberIn(answer, 'endedAt') !== null;

/** What the answer to `agent.wait` that tells of an end has come to. */
export function outcomeOfEnd(answer: unknown, names: TurnNames, timeoutSeconds: number): DispatchOutcome {
  const status = textIn(answer, 'status');
  const stopReason = textIn(answer, 'stopReason');
  const text = textIn(objectIn(answer, 'terminalReply'), 'text');
  const result = resultOf(status, text, names, {
    started_at: timeOf(answer, 'startedAt'),
    ended_at: timeOf(answer, 'endedAt'),
    ...(stopReason === '' ? {} : { stop_reason: stopReason }),
  });
  if (status === 'ok') return { kind: 'succeeded', status, result };
  const error =
    status === 'timeout'
      ? limitText(timeoutSeconds)
      : stopReason === 'rpc'
        ? 'The turn was cancelled.'
        : textIn(answer, 'error') || textIn(objectIn(answer, 'error'), 'message') || 'The turn failed.';
  return { kind: 'failed', refused: false, status: status || 'error', error, result };
}

/** A turn whose reply was read from the transcript, since the gateway's process has forgotten how it ended. */
export function outcomeOfReply(text: string, names: TurnNames, isCut = false): DispatchOutcome {
  const more = { from_transcript: true, ...(isCut ? { text_truncated: true } : {}) };
  return { kind: 'succeeded', status: 'ok', result: resultOf('ok', text, names, more) };
}

/** What a turn over HTTP has come to whose answer was heard. */
export function outcomeOfStream(end: CompletionEnd, names: TurnNames): DispatchOutcome {
  switch (end.kind) {
    case 'replied':
      return {
        kind: 'succeeded',
        status: 'ok',
        result: resultOf('ok', end.text, names, { over_http: true }),
      };
    case 'failed':
      return failedTurn(end.error, names);
    case 'cut':
      return { kind: 'unknown', error: 'The answer broke off.', transport: false };
  }
}

/** A turn that was ended since it took too long. */
export function limitReached(timeoutSeconds: number, names: TurnNames): DispatchOutcome {
  return failedTurn(limitText(timeoutSeconds), names);
}

const limitText = (timeoutSeconds: number) => `The turn was ended at its limit of ${timeoutSeconds} s.`;

/** A turn that ended without a reply. */
export function failedTurn(error: string, names: TurnNames): DispatchOutcome {
  return { kind: 'failed', refused: false, status: 'error', error, result: resultOf('error', '', names, {}) };
}

function resultOf(status: string, text: string, names: TurnNames, more: JsonObject): JsonObject {
  return {
    status,
    text: text.slice(0, MAX_TEXT),
    ...(text.length > MAX_TEXT ? { text_truncated: true } : {}),
    agent: names.agentId,
    session_key: names.sessionKey,
    run_id: names.runId,
    ...more,
  };
}

function timeOf(answer: unknown, field: string): string | null {
  const ms = numberIn(answer, field);
  return ms === null || Math.abs(ms) > 8.64e15 ? null : new Date(ms).toISOString();
}
