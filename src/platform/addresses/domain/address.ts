import ipaddr from 'ipaddr.js';

/** Cloud metadata services that are not link-local. */
const METADATA_ADDRESSES = new Set(['100.100.100.200', '168.63.129.16', 'fd00:ec2::254']);
const METADATA_NAMES = new Set(['metadata.google.internal', 'metadata.goog', 'instance-data']);

/** Ranges that no program of ours lives in. Loopback and private addresses are where most of them live. */
const REFUSED_RANGES = new Set(['unspecified', 'broadcast', 'multicast', 'linkLocal']);

/** The name or address of a URL, without the brackets of IPv6. */
export function hostName(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/** Whether a name is that of a cloud's metadata service, which holds credentials. */
export function isMetadataName(name: string): boolean {
  return METADATA_NAMES.has(name.toLowerCase().replace(/\.$/, ''));
}

/** Why an address may not be called; null when it may. An IPv4 address inside an IPv6 one is judged as itself. */
export function refusalOfAddress(address: string): string | null {
  if (!ipaddr.isValid(address)) return 'not an address';
  const plain = plainAddress(ipaddr.parse(address));
  if (METADATA_ADDRESSES.has(plain.toString())) return 'a metadata service';
  return REFUSED_RANGES.has(plain.range()) ? `a ${plain.range()} address` : null;
}

/** The IPv4 address that an IPv4-mapped, IPv4-compatible, NAT64 or 6to4 address stands for; any other stays. */
export function plainAddress(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | ipaddr.IPv6 {
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
