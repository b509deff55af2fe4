/** Headers that belong to one connection, and are never passed on. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** What says where a message ends must survive, whatever a `Connection` header claims. */
const NEVER_NAMED = new Set(['content-length', 'host']);

/** Whether a header, by its name in lower case, belongs to one connection only. */
export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name);
}

/** The other headers that a `Connection` header declares to be hop-by-hop, in lower case; undefined when there are none. */
export function namedByConnection(value: string | undefined): ReadonlySet<string> | undefined {
  if (value === undefined || value === 'keep-alive' || value === 'close') return undefined;
  const names = value
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && !HOP_BY_HOP.has(name) && !NEVER_NAMED.has(name));
  return names.length === 0 ? undefined : new Set(names);
}
