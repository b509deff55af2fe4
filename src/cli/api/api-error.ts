import { plain, UsageError } from '../terminal.js';

/** The API has answered, and refuses. */
export class ApiError extends UsageError {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Nobody has answered: no address could be reached, or each answered that it cannot serve now. */
export class UnreachableError extends UsageError {}

/** What an error body says, on one line that does nothing to a terminal. */
export function errorText(body: string): string {
  return plain(reasonIn(body)).trim().slice(0, 500);
}

/**
 * The words of an error body: `{error}` of the SkyClaw routes, `{detail}` of the SKYNET ones, where it may be a list of
 * what is wrong with the request, or a problem document.
 */
function reasonIn(body: string): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return body;
  }
  if (typeof parsed !== 'object' || parsed === null) return body;
  const { error, detail, title, errors } = parsed as Record<string, unknown>;
  const fields = [detail, errors].find(Array.isArray);
  if (fields !== undefined) return fields.map(fieldText).join('; ');
  const text = [error, detail, title].find((part) => typeof part === 'string' && part !== '');
  return typeof text === 'string' ? text : body;
}

function fieldText(field: unknown): string {
  if (typeof field !== 'object' || field === null) return String(field);
  const { loc, msg, pointer, detail } = field as Record<string, unknown>;
  const place = Array.isArray(loc) ? loc.slice(1).join('.') : typeof pointer === 'string' ? pointer : '';
  return `${place}: ${typeof msg === 'string' ? msg : String(detail)}`;
}
