import fastifyCors from '@fastify/cors';
import { type FastifyInstance, type FastifyRequest } from 'fastify';

/** Headers of answers that pages of other origins may read. */
export const EXPOSED_HEADERS = [
  'x-request-id',
  'retry-after',
  'ratelimit',
  'ratelimit-policy',
  'idempotent-replay',
] as const;

/**
 * Lets pages of other origins read answers, errors and preflights included. Without a list, or with `*` in it, any
 * origin may, but never with credentials; with a list only those in it, and they may send credentials. Requests
 * that are exempt have rules of their own.
 */
export async function installCors(
  server: FastifyInstance,
  origins: readonly string[],
  isExempt: (request: FastifyRequest) => boolean,
): Promise<void> {
  const any = origins.length === 0 || origins.includes('*');
  const options = {
    origin: any ? '*' : [...origins],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    exposedHeaders: [...EXPOSED_HEADERS],
    strictPreflight: false,
  };
  await server.register(fastifyCors, {
    delegator: (request, done) => done(null, isExempt(request) ? { origin: false } : options),
  });
  if (any) return;
  // The plugin's own switch allows credentials to every origin, listed or not.
  server.addHook('onSend', (request, reply, payload, done) => {
    if (reply.hasHeader('access-control-allow-origin') && !isExempt(request)) {
      void reply.header('access-control-allow-credentials', 'true');
    }
    done(null, payload);
  });
}
