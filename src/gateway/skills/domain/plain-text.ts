/** Line ends of every kind, the ones that only Unicode knows included. */
const LINE_ENDS = /\r\n?|[\n\v\f\u0085\u2028\u2029]/g;
/** Control characters but for tab and line feed, and characters that are not seen: joiners, marks of direction, tags, variations. */
const UNSEEN = /(?![\t\n])\p{Cc}|\p{Cf}|[\u{e0100}-\u{e01ef}]/gu;

/** A text as a person would see it: lines end with a line feed, and nothing is in it that is not shown. */
export function plainText(text: string): string {
  return text.replace(LINE_ENDS, '\n').replace(UNSEEN, '').toWellFormed();
}

/** The same in one line of at most `limit` characters, without space at either end. */
export function plainLine(text: string, limit: number): string {
  return cut(plainText(text).replace(/\s+/g, ' ').trim(), limit).trim();
}

/** At most `limit` characters of a text; a character of two halves is never cut in two. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const last = text.charCodeAt(limit - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? limit - 1 : limit);
}
