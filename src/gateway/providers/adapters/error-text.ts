import { jsonOrUndefined } from '../../../platform/http/reply-body.js';
import { asObject } from '../domain/arguments.js';

const MAX_CHARACTERS = 500;

/** What a provider's error body says, in whichever of the usual shapes, cut to what fits in a message. */
export function errorText(body: string): string {
  const parsed = jsonOrUndefined(body);
  // Gemini puts the error of a stream into a list.
  const first: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
  const error = asObject(first)?.['error'];
  const message = typeof error === 'string' ? error : asObject(error)?.['message'];
  const text = typeof message === 'string' ? message : body;
  const plain = text.replace(/\s+/g, ' ').trim();
  return plain === '' ? 'no explanation' : plain.slice(0, MAX_CHARACTERS).toWellFormed();
}
