import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { isOfApi, traitsOf } from '../../platform/http/route.decorator.js';
import { Problem } from '../../platform/problems/problem.js';
import { type ClientRates, type Verdict } from './client-rates.service.js';
import { clientOf } from './domain/client.js';

/**
 * Limits how often a client may call the API in a minute, but for requests that are exempt. To be installed before the key
 * is asked for, so that guessing keys is limited as well.
 */
export function installRateLimit(
  server: FastifyInstance,
  rates: ClientRates,
  isExempt: (request: FastifyRequest) => boolean,
): void {
  server.addHook('onRequest', async (request, reply) => {
    if (!isOfApi(request) || traitsOf(request).uncounted === true || isExempt(request)) return;
    const verdict = await rates.count(clientOf(request.ip));
    tellRate(reply, 'client', verdict);
    if (verdict.isAllowed) return;
    throw new Problem('rate-limited', 'Rate limit exceeded', { retryAfterSeconds: verdict.resetSeconds });
  });
}

/** The headers `RateLimit-Policy` and `RateLimit` of the IETF's draft-ietf-httpapi-ratelimit-headers-10. */
export function tellRate(
  reply: FastifyReply,
  policy: string,
  { limit, remaining, resetSeconds }: Omit<Verdict, 'isAllowed'>,
): void {
  void reply.headers({
    'ratelimit-policy': `"${policy}";q=${limit};w=60`,
    ratelimit: `"${policy}";r=${Math.max(0, remaining)};t=${resetSeconds}`,
  });
}
