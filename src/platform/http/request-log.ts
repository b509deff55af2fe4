import { type FastifyInstance } from 'fastify';
import { type Logger } from '../logging/logger.js';
import { lineOf } from './request-tracing.js';
import { routeOf } from './route.decorator.js';

/**
 * Tells of every answer, for those who debug; at other levels requests are not even looked at. The route stands there
 * and not the URL, which may hold what its caller did not want written down.
 */
export function installRequestLog(server: FastifyInstance, logger: Logger): void {
  if (!logger.isLevelEnabled('debug')) return;
  server.addHook('onRequest', (request, reply, done) => {
    reply.raw.once('close', () => {
      const { id: taskId } = (request.params ?? {}) as { readonly id?: string };
      const route = routeOf(request);
      logger.debug(
        {
          ...lineOf(request),
          ...(taskId !== undefined && route.startsWith('/v1/tasks/') ? { taskId } : {}),
          ...{ method: request.method, route, status: reply.statusCode, ms: Math.round(reply.elapsedTime) },
        },
        reply.raw.writableFinished ? 'A request was answered.' : 'A request ended before its answer.',
      );
    });
    done();
  });
}
