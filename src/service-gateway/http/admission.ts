import { type IncomingMessage } from 'node:http';
import { requestHeaders } from '../domain/request-headers.js';
import { originForm, type Target, targetOf } from '../domain/target.js';
import { type RoutedService } from '../services/routed-service.js';
import { type ServiceTable } from '../services/service-table.js';
import { accessOf } from './access.js';
import { peerAddress, type TrustedProxies } from './trusted-proxies.js';

/** A request that may go to a service. */
export interface Admitted {
  readonly service: RoutedService;
  readonly target: Target;
  /** What the endpoint gets. */
  readonly headers: string[];
}

export interface Refusal {
  readonly status: number;
  readonly text: string;
}

export interface AdmissionOptions {
  readonly table: ServiceTable;
  readonly token: string | undefined;
  readonly trustedProxies: TrustedProxies;
}

/** Decides whether a request may go to a service, and with which headers. Undefined: it is not for a service. */
export function admit(request: IncomingMessage, options: AdmissionOptions): Admitted | Refusal | undefined {
  const target = targetOf(originForm(request.url ?? ''));
  if (target === undefined) return undefined;
  const { headers } = request;
  const access = accessOf(headers, options.token);
  if (access === 'refused') return UNAUTHORIZED;
  const service = options.table.find(target.key);
  if (service === undefined) return unknownService(target.key, options.table);
  const address = peerAddress(request.socket.remoteAddress);
  const sender = {
    address,
    isTrustedProxy: options.trustedProxies.includes(address),
    authorizedItself: access === 'granted-by-authorization',
  };
  return {
    service,
    target,
    headers: requestHeaders(request.rawHeaders, headers.connection, headers.host, sender),
  };
}

export const UNAUTHORIZED: Refusal = { status: 401, text: 'unauthorized' };

/** A service that nobody has heard of may have been deployed a moment ago: the caller should try again. */
function unknownService(key: string, table: ServiceTable): Refusal {
  return {
    status: 503,
    text: table.isLoaded ? `no healthy endpoints for service ${key}` : 'service list not loaded yet',
  };
}
