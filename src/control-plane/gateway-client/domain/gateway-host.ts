import ipaddr from 'ipaddr.js';

/** Cloud metadata services that are not link-local. */
const METADATA_ADDRESSES = new Set(['100.100.100.200', '168.63.129.16', 'fd00:ec2::254']);
const METADATA_NAMES = new Set(['metadata.google.internal', 'metadata.goog', 'instance-data']);

/** Ranges that no gateway lives in. Loopback and private addresses are where most gateways live. */
const REFUSED_RANGES = new Set(['unspecified', 'broadcast', 'multicast', 'linkLocal']);

export type HostVerdict =
  { readonly ok: true; readonly host: string } | { readonly ok: false; readonly reason: string };

/**
 * Judges the host of a gateway as an operator wrote it: an http(s) URL without credentials, query or fragment, whose
 * address, if it is one, may be called. Returns it without a trailing slash. What a name resolves to is judged by
 * {@link refusalOfAddress}, at registration and again at every connection.
 */
export function judgeHost(raw: string, allowlist: readonly string[]): HostVerdict {
  let url: URL;
  try {
    url = new URL(raw.trim());
  } catch {
    return { ok: false, reason: 'not a URL' };
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return { ok: false, reason: 'only http and https' };
  if (url.username !== '' || url.password !== '')
    return { ok: false, reason: 'credentials are not allowed in it' };
  if (url.hash !== '' || raw.includes('#')) return { ok: false, reason: 'a fragment is not allowed' };
  if (url.search !== '') return { ok: false, reason: 'a query is not allowed' };
  const name = hostName(url);
  if (METADATA_NAMES.has(name.toLowerCase().replace(/\.$/, '')))
    return { ok: false, reason: 'a metadata service' };
  if (ipaddr.isValid(name)) {
    const refusal = refusalOfAddress(name);
    if (refusal !== null) return { ok: false, reason: refusal };
  }
  if (allowlist.length > 0 && !allowlist.some((entry) => allows(entry, name))) {
    return { ok: false, reason: 'not in SKYNET_GATEWAY_HOST_ALLOWLIST' };
  }
  return { ok: true, host: `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}` };
}

/** The name or address of a URL, without the brackets of IPv6. */
export function hostName(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/** Why an address may not be called; null when it may. An IPv4 address inside an IPv6 one is judged as itself. */
export function refusalOfAddress(address: string): string | null {
  if (!ipaddr.isValid(address)) return 'not an address';
  const plain = unwrap(ipaddr.parse(address));
  if (METADATA_ADDRESSES.has(plain.toString())) return 'a metadata service';
  return REFUSED_RANGES.has(plain.range()) ? `a ${plain.range()} address` : null;
}

/** The IPv4 address that an IPv4-mapped, IPv4-compatible, NAT64 or 6to4 address stands for; any other stays. */
function unwrap(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | ipaddr.IPv6 {
  if (address.kind() === 'ipv4') return address;
  const v6 = address as ipaddr.IPv6;
  const bytes = v6.toByteArray();
  const tail = (from: number) => ipaddr.fromByteArray(bytes.slice(from, from + 4));
  if (v6.isIPv4MappedAddress()) return v6.toIPv4Address();
  if (v6.range() === 'rfc6052') return tail(12);
  if (v6.range() === '6to4') return tail(2);
  const compatible =
    bytes.slice(0, 12).every((byte) => byte === 0) && bytes.slice(12, 14).some((byte) => byte !== 0);
  return compatible ? tail(12) : v6;
}

/** Whether an allowlist entry (a name, an address, or a CIDR range) covers a host. */
function allows(entry: string, name: string): boolean {
  if (entry.toLowerCase() === name.toLowerCase()) return true;
  if (!ipaddr.isValid(name)) return false;
  const address = unwrap(ipaddr.parse(name));
  try {
    if (ipaddr.isValid(entry)) return unwrap(ipaddr.parse(entry)).toString() === address.toString();
    const [range, bits] = ipaddr.parseCIDR(entry);
    return range.kind() === address.kind() && address.match(range, bits);
  } catch {
    return false; // Another host's name.
  }
}
