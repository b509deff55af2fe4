import { isLoopback } from '../gateway.config.js';

export interface BrowserHeaders {
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
}

/**
 * Why a request is refused as one that a web page of somebody else has sent through a browser; null when it is not.
 *
 * A gateway that listens on loopback needs no token, but a page that a browser on the same machine has open can reach
 * it as well. The browser says so: by `Origin` when a page sends a POST, and by `Host` when the page's own name was
 * pointed at this machine. Programs send no `Origin` and call it by a name of this machine.
 */
export function refusalOfForeignSite(
  { method, host, origin }: BrowserHeaders,
  { trustsLoopback }: { readonly trustsLoopback: boolean },
): string | null {
  if (trustsLoopback && !isLoopback(hostNameOf(host))) {
    return 'Call this gateway by a name of this machine, or set SKYNET_GATEWAY_TOKEN.';
  }
  const changes = method !== 'GET' && method !== 'HEAD';
  return changes && origin !== undefined && hostOf(origin) !== host?.toLowerCase()
    ? 'Requests from web pages of other sites are refused.'
    : null;
}

/** `localhost` of `localhost:8766`, `::1` of `[::1]:8766`. */
function hostNameOf(host: string | undefined): string {
  const [, bracketed, plain = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host ?? '') ?? [];
  return (bracketed ?? plain).toLowerCase();
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}
