import fastifyCors from '@fastify/cors';
import { type FastifyInstance } from 'fastify';

/**
 * Lets pages of other origins read answers, errors and preflights included. Without a list, or with `*` in it, any
 * origin may, but never with credentials; with a list only those in it, and they may send credentials.
 */
export async function installCors(server: FastifyInstance, origins: readonly string[]): Promise<void> {
  const any = origins.length === 0 || origins.includes('*');
  await server.register(fastifyCors, {
    origin: any ? '*' : [...origins],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    exposedHeaders: ['x-request-id', 'retry-after', 'idempotent-replay'],
    strictPreflight: false,
  });
  if (any) return;
  // The plugin's own switch allows credentials to every origin, listed or not.
  server.addHook('onSend', (_request, reply, payload, done) => {
    if (reply.hasHeader('access-control-allow-origin')) {
      void reply.header('access-control-allow-credentials', 'true');
    }
    done(null, payload);
  });
}
