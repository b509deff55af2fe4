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

/** Where the addresses of the public internet are; what else may be unicast is somebody's own. */
const PUBLIC_IPV6 = ipaddr.parseCIDR('2000::/3') as [ipaddr.IPv6, number];

/**
 * Why an address may not be called that a stranger has named; null when it may. Only what is on the public internet may,
 * and what lies in one of `allowed` (addresses or CIDR ranges); a metadata service only when it is named by itself.
 */
export function refusalOfForeignAddress(address: string, allowed: readonly string[]): string | null {
  if (!ipaddr.isValid(address)) return 'not an address';
  const plain = plainAddress(ipaddr.parse(address));
  const metadata = isMetadataAddress(plain);
  if (allowed.some((range) => contains(range, plain, metadata))) return null;
  if (metadata) return 'a metadata service';
  const isPublic =
    plain.range() === 'unicast' && (plain.kind() === 'ipv4' || (plain as ipaddr.IPv6).match(PUBLIC_IPV6));
  return isPublic ? null : `a ${plain.range()} address`;
}

/** Where clouds keep the credentials of their machines: the well-known link-local address among others. */
function isMetadataAddress(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  const text = address.toString();
  return METADATA_ADDRESSES.has(text) || text === '169.254.169.254' || text === '169.254.170.2';
}

/** Whether an address lies in a range; with `wholly` only a range of this one address counts. */
function contains(range: string, address: ipaddr.IPv4 | ipaddr.IPv6, wholly: boolean): boolean {
  const [network, bits] = range.includes('/')
    ? ipaddr.parseCIDR(range)
    : [ipaddr.parse(range), ipaddr.parse(range).kind() === 'ipv4' ? 32 : 128];
  if (network.kind() !== address.kind()) return false;
  if (wholly && bits < (network.kind() === 'ipv4' ? 32 : 128)) return false;
  return address.match([network, bits] as [ipaddr.IPv4, number] & [ipaddr.IPv6, number]);
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
