/** The characters that mean something, each of which a bracket of its own makes plain: `[*]` is a star. */
const SPECIAL = new Set('*?[]{},');

/**
 * Where the bracket expression that opens at `open` closes, or -1 when it does not: then the `[` is an ordinary
 * character. It stays within its segment and has at least one member, so that a `]` in the first place is one.
 */
export function bracketEnd(text: string, open: number): number {
  let first = open + 1;
  if (text[first] === '!' || text[first] === '^') first++;
  const close = text.indexOf(']', text[first] === ']' ? first + 1 : first);
  if (close === -1) return -1;
  const slash = text.indexOf('/', open);
  return slash !== -1 && slash < close ? -1 : close;
}

/** The character that a bracket expression makes plain, given what is inside of it; null when it is a real choice. */
export function plainCharacter(inside: string): string | null {
  return inside.length === 1 && SPECIAL.has(inside) ? inside : null;
}

/** A text in which nothing can be taken for a glob. A lone `]` never means anything. */
export function madePlain(text: string): string {
  return text.replace(/[*?[{},]/g, '[$&]');
}

/** The same pattern with each `[` that opens nothing made plain: what follows may cut and join it safely. */
export function withPlainBrackets(text: string): string {
  if (!text.includes('[')) return text;
  let result = '';
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character !== '[') {
      result += character;
      continue;
    }
    const close = bracketEnd(text, at);
    result += close === -1 ? '[[]' : text.slice(at, close + 1);
    if (close !== -1) at = close;
  }
  return result;
}
