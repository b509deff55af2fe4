import { type FastifyInstance } from 'fastify';

/** How long the answers that are on their way when the server closes may take to leave. */
const GRACE_MS = 1_000;

/**
 * Lets the server close in time: an answer during a shutdown ends its connection, which would otherwise be kept for the
 * caller's next request, and a caller who has not sent or taken everything after a short while is cut off.
 */
export function endLastConnections(server: FastifyInstance, isDraining: () => boolean): void {
  server.addHook('onSend', (_request, reply, payload, done) => {
    if (isDraining()) void reply.header('connection', 'close');
    done(null, payload);
  });
  server.addHook('preClose', (done) => {
    const timer = setTimeout(() => server.server.closeAllConnections(), GRACE_MS);
    server.server.once('close', () => clearTimeout(timer));
    done();
  });
}
