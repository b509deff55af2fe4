/** How deep arrays and objects may nest in a request. JSON.parse has no limit, but those who walk the value have. */
export const MAX_JSON_DEPTH = 64;

/** Why a body is not JSON that we take: not JSON at all, or JSON that could not be stored as it came. */
export class JsonTextError extends Error {
  constructor(
    readonly reason: 'syntax' | 'too-deep' | 'nul' | 'lone-surrogate',
    message: string,
  ) {
    super(message);
    this.name = 'JsonTextError';
  }
}

/**
 * Parses a request body. Beyond the grammar it refuses what PostgreSQL cannot keep as text (NUL, and halves of
 * surrogate pairs, which have no UTF-8) and nesting beyond {@link MAX_JSON_DEPTH}. Throws {@link JsonTextError}. With
 * `mend` such characters become U+FFFD instead: for what programs have printed, which is worth more with a scar than not
 * at all.
 */
export function parseJsonText(text: string, { mend = false } = {}): unknown {
  if (depthOf(text) > MAX_JSON_DEPTH) {
    throw new JsonTextError('too-deep', `JSON nests deeper than ${MAX_JSON_DEPTH} levels`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new JsonTextError('syntax', error instanceof Error ? error.message : 'not JSON');
  }
  // Raw NUL is no JSON; both troubles can only arrive as an escape or as a broken encoding, so most bodies end here.
  if (!text.includes('\\u')) return value;
  if (mend) return mended(value);
  refuseUnstorable(value);
  return value;
}

/** The deepest nesting, told from the brackets outside of strings. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (inString) {
      if (code === 0x5c) index++;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x7b || code === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (code === 0x7d || code === 0x5d) depth--;
  }
  return deepest;
}

function mended(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed().replaceAll('\0', '\uFFFD');
  if (Array.isArray(value)) return value.map(mended);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [mended(key), mended(entry)]));
}

function refuseUnstorable(value: unknown): void {
  if (typeof value === 'string') {
    if (value.includes('\0')) throw new JsonTextError('nul', 'NUL characters (\\u0000) cannot be stored');
    if (!value.isWellFormed())
      throw new JsonTextError('lone-surrogate', 'Half of a surrogate pair cannot be stored');
  } else if (Array.isArray(value)) {
    value.forEach(refuseUnstorable);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, entry] of Object.entries(value)) {
      refuseUnstorable(key);
      refuseUnstorable(entry);
    }
  }
}
