import ipaddr from 'ipaddr.js';
import { hostName, isMetadataName, refusalOfAddress } from '../../../platform/addresses/domain/address.js';

/**
 * Whether a gateway may be sent to an endpoint that a host reports: an http(s) URL without credentials whose address, if
 * it is one, is not link-local or a metadata service. What a name resolves to is judged by whoever connects.
 */
export function isEndpointAllowed(raw: string): boolean {
  let url: URL;
  try {
    url = new URL(raw);
  } catch {
    return false;
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return false;
  if (url.username !== '' || url.password !== '') return false;
  const name = hostName(url);
  if (isMetadataName(name)) return false;
  return !ipaddr.isValid(name) || refusalOfAddress(name) === null;
}
