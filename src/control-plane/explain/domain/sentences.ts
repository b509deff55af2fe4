/** Names that one sentence lists at most. */
const MOST_NAMES = 3;

/** `'a', 'b' and 4 more`. */
export function listed(names: readonly string[], total = names.length): string {
  const shown = names.slice(0, MOST_NAMES).map((name) => `'${name}'`);
  const more = total - shown.length;
  if (more > 0) return `${shown.join(', ')} and ${more} more`;
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1) ?? ''}`;
}

/** `1 task`, `3 tasks`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** A text that ends with its own punctuation, cut to a length that fits into a sentence; empty stays empty. */
export function quoted(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ');
  if (line === '') return '';
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}
