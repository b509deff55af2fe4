const MAX_LENGTH = 2_000;

/**
 * The address of a coordinator in its normal form: scheme, host and path, without a slash at the end. Null for anything
 * but an http(s) URL without credentials.
 */
export function baseUrl(raw: string): string | null {
  const text = raw.trim();
  if (text === '' || text.length > MAX_LENGTH) return null;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return null;
  }
  const { protocol, host, pathname, username, password } = url;
  if ((protocol !== 'http:' && protocol !== 'https:') || host === '') return null;
  if (username !== '' || password !== '') return null;
  const normal = `${protocol}//${host}${pathname.replace(/\/+$/, '')}`;
  // Characters that must be escaped make it longer.
  return normal.length > MAX_LENGTH ? null : normal;
}

/** Each address once, sorted, without `self`. */
export function peerList(urls: readonly string[], self: string | undefined): string[] {
  return [...new Set(urls)].filter((url) => url !== self).sort();
}
