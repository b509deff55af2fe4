const CUT_MARK = '\n[output truncated]\n';

/** The fewest bytes that SKYCLAW_MAX_OUTPUT_BYTES may ask for: the mark of a cut fits in. */
export const LEAST_OUTPUT_BYTES = 64;

/**
 * What is told of a stream of which `head` was kept: its text, at most `maxBytes` of UTF-8. A longer stream ends in the
 * mark of a cut, which counts. NUL is replaced, as a database has no place for it.
 */
export function outputText(head: Uint8Array, isWhole: boolean, maxBytes: number): string {
  // What `stream` holds back is half of a character that the bound has cut.
  const text = storable(new TextDecoder('utf-8', { ignoreBOM: true }).decode(head, { stream: !isWhole }));
  const bytes = new TextEncoder().encode(text);
  if (isWhole && bytes.length <= maxBytes) return text;
  return cutBytes(bytes, Math.max(0, maxBytes - CUT_MARK.length)) + CUT_MARK;
}

/** Text without NUL. */
export function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD');
}

/** At most `maxBytes` of UTF-8 text, cut between two characters. */
function cutBytes(bytes: Uint8Array, maxBytes: number): string {
  let end = Math.min(maxBytes, bytes.length);
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, end));
}
