import { decodeCursor } from '../../platform/http/cursor.js';
import { parseInstant } from '../../platform/http/parse-instant.js';
import { Problem } from '../../platform/problems/problem.js';
import { eventTypes } from './append.js';
import { BEGINNING, type Position } from './domain/position.js';
import { type EventFilter } from './event-filter.js';
import { type FilterQuery } from './events.dto.js';

/** What a caller's query asks for. An empty text asks for nothing. */
export function filterOf(query: FilterQuery, since: string | null): EventFilter {
  return {
    taskId: emptyToNull(query.task_id),
    projectId: emptyToNull(query.project_id),
    types: typesOf(query.type),
    since: sinceOf(since),
  };
}

function emptyToNull(value: string | null): string | null {
  return value === '' ? null : value;
}

function typesOf(list: string | null): readonly string[] | null {
  const types = (list ?? '').split(',').map((type) => type.trim());
  const named = types.filter((type) => type !== '');
  const unknown = named.find((type) => !(eventTypes as readonly string[]).includes(type));
  if (unknown === undefined) return named.length === 0 ? null : [...new Set(named)].sort();
  throw refusal('type', 'enum', `Input should be a list of: ${eventTypes.join(', ')}`, unknown);
}

function sinceOf(since: string | null): string | null {
  if (since === null || since.trim() === '') return null;
  const instant = parseInstant(since);
  if (instant !== null) return instant;
  throw refusal('since', 'datetime_from_date_parsing', 'Input should be a valid datetime', since);
}

function refusal(field: string, type: string, msg: string, input: string): Problem {
  return new Problem('invalid-request', `${field}: ${msg}`, {
    issues: [{ type, loc: ['query', field], msg, input }],
  });
}

const MAX_TXID = 2n ** 63n - 1n;

/** The place that a cursor of ours names; an empty one is the beginning. Throws `invalid-request` for any other text. */
export function positionOf(cursor: string, name: string, place: 'query' | 'header' = 'query'): Position {
  if (cursor === '') return BEGINNING;
  const [txid, id] = decodeCursor(cursor, ['string', 'number'], name, place);
  if (!/^(0|[1-9]\d{0,18})$/.test(String(txid)) || BigInt(String(txid)) > MAX_TXID)
    decodeCursor('', [], name, place);
  return { txid: String(txid), id: Number(id) };
}
