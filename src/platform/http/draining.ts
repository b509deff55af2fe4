import { type FastifyInstance } from 'fastify';
import { Problem } from '../problems/problem.js';

/** How long requests that are under way may still take once the server closes. */
const REQUEST_GRACE_MS = 5_000;

/**
 * Closes the server without cutting what is under way: idle connections end at once, running requests get their answer
 * and then lose the connection, and whatever still runs after the grace is cut off. Who asks anew on a connection that
 * has not ended yet hears 503 and finds another replica.
 */
export function drainOnClose(server: FastifyInstance, graceMs = REQUEST_GRACE_MS): void {
  let closing = false;
  server.addHook('preClose', (done) => {
    closing = true;
    setTimeout(() => server.server.closeAllConnections(), graceMs).unref();
    done();
  });
  server.addHook('onRequest', (_request, _reply, done) => {
    done(
      closing
        ? new Problem('shutting-down', 'This replica is shutting down; try another.', {
            retryAfterSeconds: 1,
          })
        : undefined,
    );
  });
  server.addHook('onSend', (_request, reply, payload, done) => {
    if (closing) void reply.header('connection', 'close');
    done(null, payload);
  });
}
