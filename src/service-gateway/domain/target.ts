const PREFIX = '/v1/gateway/';

/** What a request is for: a service by its key, and the path and query that the service gets. */
export interface Target {
  /** An id or a name, decoded. */
  readonly key: string;
  /** Raw, as the caller sent it, beginning with a slash. */
  readonly path: string;
}

/**
 * Reads `/v1/gateway/:service[/path][?query]`. Only the key is decoded; what comes after it is passed on byte for byte,
 * `%2F` and dots included. Undefined when it is something else, or when the key is empty or not properly encoded.
 */
export function targetOf(url: string): Target | undefined {
  if (!url.startsWith(PREFIX)) return undefined;
  const end = endOfKey(url);
  const raw = url.slice(PREFIX.length, end);
  if (raw === '') return undefined;
  const key = raw.includes('%') ? decoded(raw) : raw;
  if (key === undefined) return undefined;
  if (end === url.length) return { key, path: '/' };
  return { key, path: url[end] === '/' ? url.slice(end) : `/${url.slice(end)}` };
}

/** The path and query of a request target; a proxy's form names scheme and host before it. */
export function originForm(url: string): string {
  if (url.startsWith('/')) return url;
  const authority = /^https?:\/\/[^/?#]*/i.exec(url)?.[0];
  if (authority === undefined) return url;
  const rest = url.slice(authority.length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function endOfKey(url: string): number {
  for (let index = PREFIX.length; index < url.length; index++) {
    const character = url.charCodeAt(index);
    if (character === SLASH || character === QUESTION_MARK) return index;
  }
  return url.length;
}

function decoded(raw: string): string | undefined {
  try {
    return decodeURIComponent(raw);
  } catch {
    return undefined; // Not UTF-8 behind its percent signs: no service is called that.
  }
}

const SLASH = 47;
const QUESTION_MARK = 63;
