import { isObject, listIn, numberIn, objectIn, textIn } from './json.js';
import { contentOf, isResumed, type Standing, standingOfRows } from './transcript.js';

/** A turn that went over HTTP, whose rows bear no key. */
export interface KeylessTurn {
  readonly message: string;
  readonly ownsSession: boolean;
  /** The number of the last row that stood in the session before the turn was sent. */
  readonly rowsBefore: number;
}

/** What `sessions_history` puts behind a text that it has cut. */
const CUT_MARK = '\n…(truncated)…';
/** It cuts no text that is shorter. */
const CUT_LENGTH = 4_000;

/** The number of the last row of a session; 0 when it has none. */
export const lastRowOf = (history: unknown): number =>
  listIn(history, 'messages').reduce<number>((last, row) => Math.max(last, numberOf(row) ?? 0), 0);

/**
 * Judges the answer of `sessions_history` together with whether the session is at work. A turn is known by a row of the
 * user behind those that were there before: in a session of its own by any, in another by its text.
 */
export function standingByText(history: unknown, isAtWork: boolean, turn: KeylessTurn): Standing {
  const isActive =
    isAtWork ||
    listIn(objectIn(history, 'pendingInputs'), 'items').some((item) => textIn(item, 'state') === 'queued');
  const isCut = isObject(history) && (history['droppedMessages'] === true || history['hasMore'] === true);
  const rows = listIn(history, 'messages').filter((row) => (numberOf(row) ?? Infinity) > turn.rowsBefore);
  const own = rows.findIndex((row) => isOfUser(row) && (turn.ownsSession || saysTheSame(row, turn.message)));
  const isFromHere = !isCut || rows.length < listIn(history, 'messages').length;
  if (own < 0 && isFromHere) return isActive ? { kind: 'active', runId: null } : { kind: 'absent' };
  const after = rows.slice(own + 1);
  const next = turn.ownsSession ? -1 : after.findIndex((row) => isOfUser(row) && !isResumed(row));
  if (next < 0 && isActive) return { kind: 'active', runId: null };
  return standingOfRows(next < 0 ? after : after.slice(0, next));
}

/** Whether a text was cut on its way here. */
export const isCutText = (text: string): boolean => text.endsWith(CUT_MARK);

const isOfUser = (row: unknown): boolean => textIn(row, 'role') === 'user';

function saysTheSame(row: unknown, message: string): boolean {
  const text = contentOf(row);
  const wanted = message.trim();
  return isCutText(text) ? wanted.startsWith(text.slice(0, CUT_LENGTH - 1)) : text.trim() === wanted;
}

const numberOf = (row: unknown): number | null => numberIn(objectIn(row, '__openclaw'), 'seq');
