import ipaddr from 'ipaddr.js';
import { isMetadataName, refusalOfAddress } from '../../platform/addresses/domain/address.js';

/** Where an endpoint is: what to connect to, and what comes before every path. */
export interface EndpointAddress {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Empty, or a path without a slash at its end. */
  readonly basePath: string;
}

export type EndpointVerdict =
  { readonly ok: true; readonly address: EndpointAddress } | { readonly ok: false; readonly reason: string };

/**
 * Judges the endpoint that a host has reported: an http(s) URL without credentials whose address, if it is one, may be
 * called. Loopback and private addresses may, link-local ones and metadata services may not; what a name resolves to is
 * judged at every connection.
 */
export function judgeEndpoint(raw: string): EndpointVerdict {
  if (!URL.canParse(raw)) return { ok: false, reason: 'not a URL' };
  const url = new URL(raw);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return { ok: false, reason: 'only http and https' };
  if (url.username !== '' || url.password !== '')
    return { ok: false, reason: 'credentials are not allowed in it' };
  const name = url.hostname.replace(/^\[|\]$/g, '');
  const refusal = isMetadataName(name)
    ? 'a metadata service'
    : ipaddr.isValid(name)
      ? refusalOfAddress(name)
      : null;
  if (refusal !== null) return { ok: false, reason: refusal };
  return { ok: true, address: { origin: url.origin, basePath: url.pathname.replace(/\/+$/, '') } };
}
