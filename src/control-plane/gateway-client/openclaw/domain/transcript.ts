import { isObject, listIn, objectIn, textIn } from './json.js';

/** What the transcript of a session says about the turn of a key. */
export type Standing =
  /** The gateway has never heard of it. */
  | { readonly kind: 'absent' }
  /** Something is being done about it, under this run id if that is known already. */
  | { readonly kind: 'active'; readonly runId: string | null }
  | { readonly kind: 'replied'; readonly text: string }
  /** It was begun, and nobody is at it; `error` is what the last attempt ended with. */
  | { readonly kind: 'quiet'; readonly error: string };

/** The stop reasons of an assistant's row that is the end of its turn. */
const FINAL = new Set(['stop', 'endTurn', 'end_turn', 'length']);

/** The keys that a gateway makes itself. */
const RESUMED_KEY = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:user$/;

/** Whether rows are missing in front of those that are there. */
export const isCut = (history: unknown): boolean => isObject(history) && history['hasMore'] === true;

/**
 * Judges the answer to `chat.history`. A turn is known by its own row (`<key>:user`) or as an input that has not begun;
 * what a restarted gateway goes on with stands behind that row, under a key of the gateway's own. With rows cut off in front, a row that is
 * not found may be among those.
 */
export function standingOf(history: unknown, key: string): Standing {
  const rows = listIn(history, 'messages');
  const own = rows.findIndex((row) => keyOf(row) === `${key}:user`);
  const pending = listIn(objectIn(history, 'pendingInputs'), 'items').some(
    (item) => textIn(item, 'runId') === key,
  );
  const running = textIn(objectIn(history, 'inFlightRun'), 'runId');
  const isActive = objectIn(history, 'sessionInfo')['hasActiveRun'] === true || running !== '';
  if (own < 0 && !isCut(history)) {
    // In a session of several tasks an active run may be another's: ours only if it goes by our key.
    if (pending || running === key) return { kind: 'active', runId: key };
    return { kind: 'absent' };
  }
  const after = rows.slice(own + 1);
  const next = after.findIndex((row) => keyOf(row).endsWith(':user') && !isResumed(row));
  if (next < 0 && (isActive || pending)) return { kind: 'active', runId: running === '' ? null : running };
  return standingOfRows(next < 0 ? after : after.slice(0, next));
}

/** What the rows of a turn that nobody is at say, without the one that it began with. */
export function standingOfRows(rows: readonly unknown[]): Standing {
  const last = rows.findLast(
    (row) => textIn(row, 'role') === 'assistant' || textIn(row, 'role') === 'toolResult',
  );
  if (textIn(last, 'role') === 'assistant' && FINAL.has(textIn(last, 'stopReason'))) {
    return { kind: 'replied', text: contentOf(last) };
  }
  return { kind: 'quiet', error: textIn(last, 'errorMessage') };
}

/** Whether a row is what a restarted gateway says to an agent that it lets go on: the text, and a key that is no key of ours. */
export const isResumed = (row: unknown): boolean =>
  RESUMED_KEY.test(keyOf(row)) && contentOf(row).startsWith('[System] ');

/** The key that a row came with; empty when it came with none. */
export function keyOf(row: unknown): string {
  return textIn(row, 'idempotencyKey') || textIn(objectIn(row, '__openclaw'), 'idempotencyKey');
}

/** The text of a row, whose content is one text or a list of parts. */
export function contentOf(row: unknown): string {
  const whole = textIn(row, 'content');
  if (whole !== '') return whole;
  return listIn(row, 'content')
    .filter((part) => textIn(part, 'type') === 'text')
    .map((part) => textIn(part, 'text'))
    .join('');
}
