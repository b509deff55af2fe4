import { isHopByHop, namedByConnection } from './hop-by-hop.js';

/** What the gateway knows of a request beside its headers. */
export interface Sender {
  /** Of the connection's other end. */
  readonly address: string;
  /** Whether that is a proxy whose word on scheme and host is taken. */
  readonly isTrustedProxy: boolean;
  /** Whether the request's Authorization carried the gateway's own token. */
  readonly authorizedItself: boolean;
}

/** Credentials of ours, and what the gateway writes itself. */
const DROPPED = new Set([
  'host',
  'expect',
  'x-skyclaw-token',
  'x-skyclaw-host-token',
  'x-skyclaw-gateway-token',
  'x-forwarded-for',
]);

/**
 * The headers that a service gets, as names and values in turn: those of the caller in their order and spelling, without
 * hop-by-hop ones and our credentials, and then X-Forwarded-For (appended to), -Proto and -Host. The host is the
 * endpoint's own and is written by whoever connects.
 *
 * @param raw names and values in turn
 * @param connection the value of the `Connection` header
 * @param host what the caller asked for
 */
export function requestHeaders(
  raw: readonly string[],
  connection: string | undefined,
  host: string | undefined,
  sender: Sender,
): string[] {
  const named = namedByConnection(connection);
  const headers: string[] = [];
  let forwardedFor = '';
  let proto = 'http';
  let forwardedHost = host;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? '';
    const value = raw[index + 1] ?? '';
    const key = name.toLowerCase();
    if (key === 'x-forwarded-for') {
      if (value !== '') forwardedFor += `${value}, `;
    } else if (key === 'x-forwarded-proto' || key === 'x-forwarded-host') {
      if (!sender.isTrustedProxy || value === '') continue;
      if (key === 'x-forwarded-proto') proto = value;
      else forwardedHost = value;
    } else if (
      !DROPPED.has(key) &&
      !isHopByHop(key) &&
      named?.has(key) !== true &&
      !(sender.authorizedItself && key === 'authorization')
    ) {
      headers.push(name, value);
    }
  }
  headers.push('x-forwarded-for', forwardedFor + sender.address, 'x-forwarded-proto', proto);
  if (forwardedHost !== undefined) headers.push('x-forwarded-host', forwardedHost);
  return headers;
}
