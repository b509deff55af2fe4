import ipaddr from 'ipaddr.js';

const NETWORK_PARTS = 4;

/** Who counts as one client: an IPv4 address, however it is written, or the /64 that one IPv6 customer has all to himself. */
export function clientOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  const network = (parsed as ipaddr.IPv6).parts.slice(0, NETWORK_PARTS).map((part) => part.toString(16));
  return `${network.join(':')}::/64`;
}
