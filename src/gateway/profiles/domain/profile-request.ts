const MOST_KEY = 100;
const MOST_TEXT = 1_000;

/** A field of a request, or what is wrong with it. */
export type Read<T> = { readonly value: T } | { readonly trouble: string };

export const NOT_NUMERIC = 'telegram_user_id must be numeric.';

/** A user of Telegram; null stands for a number that no user can have. */
export function readUserId(text: string): Read<number | null> {
  if (!/^-?\d+$/.test(text)) return { trouble: NOT_NUMERIC };
  const id = Number(text);
  return { value: Number.isSafeInteger(id) ? id : null };
}

/** The key of a fact, in lower case: `Favourite_Editor` and `favourite_editor` are one. */
export function readKey(value: unknown): Read<string> {
  return readText('key', value, MOST_KEY, (text) => text.toLowerCase());
}

export function readFact(value: unknown): Read<string> {
  return readText('text', value, MOST_TEXT);
}

export function readKeyOrText(value: unknown): Read<string> {
  return readText('key_or_text', value, MOST_TEXT);
}

export function readEnabled(value: unknown): Read<boolean> {
  return typeof value === 'boolean' ? { value } : { trouble: "'enabled' must be true or false." };
}

function readText(
  name: string,
  value: unknown,
  limit: number,
  normal: (text: string) => string = (text) => text,
): Read<string> {
  const text = typeof value === 'string' ? normal(value.trim()) : '';
  const isGood = text !== '' && text.length <= limit && !text.includes('\0') && text.isWellFormed();
  return isGood ? { value: text } : { trouble: `'${name}' must be a text of 1 to ${limit} characters.` };
}
