import { type FastifyInstance, type FastifyRequest } from 'fastify';
import { EXPOSED_HEADERS } from '../../platform/http/cors.js';
import { isPublicSkyclaw, publicKeyFrom } from '../auth/index.js';
import { tellRate } from '../rate-limits/index.js';
import { type PublicApiConfig } from './public-api.config.js';
import { type PublicAccess } from './access.service.js';
import { type PublicKey } from './domain/public-key.js';

const METHODS = 'GET,POST,OPTIONS';
const HEADERS = ['content-type', 'authorization', 'x-api-key', 'x-idempotency-key'];
const PAYMENT_HEADERS = ['x-payment', 'payment-signature'];
const PAYMENT_ANSWERS = ['payment-required', 'payment-response', 'x-payment-response'];

/**
 * Lets pages of the configured origin use the public API: answers every preflight below it, whatever the path, and says
 * so on every answer. To be installed before anything else sees a request.
 */
export function installPublicCors(
  server: FastifyInstance,
  { corsOrigin, facilitatorUrl }: Pick<PublicApiConfig, 'corsOrigin' | 'facilitatorUrl'>,
): void {
  const canPay = facilitatorUrl !== undefined;
  const allowed = [...HEADERS, ...(canPay ? PAYMENT_HEADERS : [])].join(',');
  const exposed = [...EXPOSED_HEADERS, ...(canPay ? PAYMENT_ANSWERS : [])].join(',');
  server.addHook('onRequest', (request, reply, done) => {
    if (!isPublicSkyclaw(request)) return done();
    void reply.headers({
      'access-control-allow-origin': corsOrigin,
      'access-control-allow-methods': METHODS,
      'access-control-allow-headers': allowed,
      'access-control-expose-headers': exposed,
      ...(corsOrigin === '*' ? {} : { vary: 'origin' }),
    });
    if (request.method !== 'OPTIONS') return done();
    void reply.status(204).header('content-length', '0').send();
  });
}

const admitted = new WeakMap<FastifyRequest, PublicKey>();

/** Closes the routes of the public API to whoever shows no key of its own. Runs before a body is read. */
export function installPublicAccess(server: FastifyInstance, access: PublicAccess): void {
  server.addHook('onRequest', async (request, reply) => {
    if (!isPublicSkyclaw(request) || request.is404) return;
    const key = await access.admit(publicKeyFrom(request), (rate) => tellRate(reply, 'key', rate));
    admitted.set(request, key);
  });
}

/** The key that a request to the public API came with. */
export function keyOf(request: FastifyRequest): PublicKey {
  const key = admitted.get(request);
  if (key === undefined) throw new Error('The request was not admitted.');
  return key;
}
