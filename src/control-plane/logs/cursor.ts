import { decodeCursor, encodeCursor } from '../../platform/http/cursor.js';
import { BEGINNING, type Place } from './domain/subject.js';

/** A place as callers see it. */
export const cursorOf = ({ position, ofResult }: Place): string => encodeCursor([position, ofResult]);

/**
 * Where a caller wants to go on from: `Last-Event-ID`, which an EventSource sends when it connects again, wins over
 * `after`; without either it is the beginning. Throws `invalid-request` for what is no cursor.
 */
export function placeFrom(lastEventId: string | undefined, after: string | null): Place {
  const [text, name, where] =
    lastEventId === undefined || lastEventId === ''
      ? ([after, 'after', 'query'] as const)
      : ([lastEventId, 'last-event-id', 'header'] as const);
  if (text === null || text === '') return BEGINNING;
  const [position, ofResult] = decodeCursor(text, ['number', 'number'], name, where);
  return { position: Number(position), ofResult: Number(ofResult) };
}
