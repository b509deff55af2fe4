const MARK = '\n[output truncated]\n';
const MARK_BYTES = 20;

/**
 * Output cut to `maxBytes` of UTF-8, its last words saying so. What a host has cut already stays as it is when it is
 * longer by no more than those words.
 */
export function cutOutput(output: string, maxBytes: number): string {
  const bytes = byteLength(output);
  if (bytes <= maxBytes || (output.endsWith(MARK) && bytes <= maxBytes + MARK_BYTES)) return output;
  const room = Math.max(0, maxBytes - MARK_BYTES);
  let [kept, end] = [0, 0];
  for (const character of output) {
    kept += byteLength(character);
    if (kept > room) break;
    end += character.length;
  }
  return output.slice(0, end) + MARK;
}

/** Bytes in UTF-8; half of a surrogate pair counts as the three that stand in its place. */
function byteLength(text: string): number {
  let bytes = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x80) bytes += 1;
    else if (code < 0x800) bytes += 2;
    else if (code >= 0xd800 && code < 0xdc00 && isLow(text.charCodeAt(index + 1))) {
      bytes += 4;
      index++;
    } else bytes += 3;
  }
  return bytes;
}

const isLow = (code: number) => code >= 0xdc00 && code < 0xe000;
