/** What is known of a host's keys before it is asked for one. Keys are their wire form in base64. */
export interface KnownKeys {
  /** Whether it is the key that the operator has given (`OPENCLAW_SSH_HOST_KEY`); null when he has given none. */
  readonly isPinned: boolean | null;
  /** What `known_hosts` says of the host. */
  readonly listed: readonly string[];
  readonly revoked: readonly string[];
  /** What the host showed when it was first trusted. */
  readonly remembered: string | null;
  /** Whether a host of which nothing is known is refused instead of trusted. */
  readonly strict: boolean;
}

export type Verdict = 'trusted' | 'trusted from now on' | { readonly refused: string };

/** Whether the key that a host shows is its own, by the first source that knows the host. */
export function judgeHostKey(key: string, known: KnownKeys): Verdict {
  if (known.revoked.includes(key)) return { refused: 'the key of the host is revoked in known_hosts' };
  if (known.isPinned !== null) {
    return known.isPinned
      ? 'trusted'
      : { refused: 'the key of the host is not the one in OPENCLAW_SSH_HOST_KEY' };
  }
  if (known.listed.length > 0) {
    return known.listed.includes(key)
      ? 'trusted'
      : { refused: 'the key of the host is not the one in known_hosts' };
  }
  if (known.remembered !== null) {
    return known.remembered === key
      ? 'trusted'
      : { refused: 'the key of the host is not the one that it showed when it was first trusted' };
  }
  return known.strict
    ? { refused: 'the host is not known, and OPENCLAW_SSH_STRICT_HOST_KEY refuses unknown hosts' }
    : 'trusted from now on';
}

/** The type of a key in its wire form: its first field. */
export function typeOfKey(key: string): string {
  const bytes = Buffer.from(key, 'base64');
  return bytes.length < 4 ? '' : bytes.toString('latin1', 4, 4 + Math.min(64, bytes.readUInt32BE(0)));
}

/** The algorithms to offer, those of the known keys first: a host with several keys then shows the one that is known. */
export function preferredAlgorithms(keys: readonly string[], all: readonly string[]): string[] {
  const types = new Set(keys.map(typeOfKey));
  const isKnown = (algorithm: string) =>
    types.has(algorithm) || (types.has('ssh-rsa') && algorithm.startsWith('rsa-sha2-'));
  return [...all.filter(isKnown), ...all.filter((algorithm) => !isKnown(algorithm))];
}
