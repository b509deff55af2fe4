import { isHopByHop, namedByConnection } from './hop-by-hop.js';

/**
 * The headers of a service's answer that the caller gets, as names and values in turn: all but the hop-by-hop ones, in
 * their order and spelling, repeated ones (Set-Cookie) included.
 */
export function responseHeaders(raw: readonly string[]): string[] {
  let named: ReadonlySet<string> | undefined;
  const headers: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? '';
    const value = raw[index + 1] ?? '';
    const key = name.toLowerCase();
    if (!isHopByHop(key)) headers.push(name, value);
    else if (key === 'connection') named = union(named, namedByConnection(value));
  }
  return named === undefined ? headers : without(headers, named);
}

/** The value of a header; the name in lower case. */
export function headerOf(headers: readonly string[], wanted: string): string | undefined {
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? '';
    if (name.length === wanted.length && name.toLowerCase() === wanted) return headers[index + 1];
  }
  return undefined;
}

function union(
  one: ReadonlySet<string> | undefined,
  other: ReadonlySet<string> | undefined,
): ReadonlySet<string> | undefined {
  return one === undefined || other === undefined ? (one ?? other) : new Set([...one, ...other]);
}

function without(headers: readonly string[], names: ReadonlySet<string>): string[] {
  return headers.filter((_text, index) => !names.has((headers[index & ~1] ?? '').toLowerCase()));
}
