import ipaddr from 'ipaddr.js';
import {
  hostName,
  isMetadataName,
  plainAddress,
  refusalOfAddress,
} from '../../../platform/addresses/domain/address.js';

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
  if (isMetadataName(name)) return { ok: false, reason: 'a metadata service' };
  if (ipaddr.isValid(name)) {
    const refusal = refusalOfAddress(name);
    if (refusal !== null) return { ok: false, reason: refusal };
  }
  if (allowlist.length > 0 && !allowlist.some((entry) => allows(entry, name))) {
    return { ok: false, reason: 'not in SKYNET_GATEWAY_HOST_ALLOWLIST' };
  }
  return { ok: true, host: `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}` };
}

/** Whether an allowlist entry (a name, an address, or a CIDR range) covers a host. */
function allows(entry: string, name: string): boolean {
  if (entry.toLowerCase() === name.toLowerCase()) return true;
  if (!ipaddr.isValid(name)) return false;
  const address = plainAddress(ipaddr.parse(name));
  try {
    if (ipaddr.isValid(entry)) return plainAddress(ipaddr.parse(entry)).toString() === address.toString();
    const [range, bits] = ipaddr.parseCIDR(entry);
    return range.kind() === address.kind() && address.match(range, bits);
  } catch {
    return false; // Another host's name.
  }
}
