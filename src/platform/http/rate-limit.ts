import fastifyRateLimit from '@fastify/rate-limit';
import { type FastifyInstance, type FastifyRequest } from 'fastify';
import { Problem } from '../problems/problem.js';
import { isOfApi, traitsOf } from './route.decorator.js';

const MINUTE_MS = 60_000;
/** Clients that are remembered; the least recently seen one is forgotten first. */
const MAX_CLIENTS = 20_000;

/**
 * Limits how often a client may call the API in a minute, but for requests that are exempt; 0 or less: as often as it likes. A client is an IPv4 address,
 * or the /64 that one IPv6 customer has all to himself. To be installed before the key is asked for, so that guessing
 * keys is limited as well.
 */
export async function installRateLimit(
  server: FastifyInstance,
  perMinute: number,
  isExempt: (request: FastifyRequest) => boolean,
): Promise<void> {
  if (perMinute <= 0) return;
  await server.register(fastifyRateLimit, {
    // Its own hooks belong to single routes, and those run after the server's, which ask for the key.
    global: false,
    max: perMinute,
    timeWindow: MINUTE_MS,
    cache: MAX_CLIENTS,
    allowList: (request) => !isOfApi(request) || traitsOf(request).uncounted === true || isExempt(request),
    errorResponseBuilder: (_request, { ttl }) =>
      new Problem('rate-limited', 'Rate limit exceeded', {
        retryAfterSeconds: Math.max(1, Math.ceil(ttl / 1_000)),
      }),
  });
  server.addHook('onRequest', server.rateLimit());
}
