import { BlockList, isIP } from 'node:net';

/** Proxies whose word on scheme and host of a request is taken. */
export class TrustedProxies {
  private readonly list = new BlockList();

  constructor(private readonly entries: readonly string[]) {
    for (const entry of entries) {
      const [address = '', bits] = entry.split('/');
      const family = familyOf(address);
      if (bits === undefined) this.list.addAddress(address, family);
      else this.list.addSubnet(address, Number(bits), family);
    }
  }

  includes(address: string): boolean {
    return this.entries.length > 0 && this.list.check(address, familyOf(address));
  }
}

/** The address of a connection's other end; an IPv4 one is not dressed up as IPv6. */
export function peerAddress(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}

const familyOf = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4');
