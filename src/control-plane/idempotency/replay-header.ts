import { type FastifyInstance, type FastifyRequest } from 'fastify';

const replayed = new WeakSet<FastifyRequest>();

/** Notes that the answer to a request is a stored one. */
export function markReplayed(request: FastifyRequest): void {
  replayed.add(request);
}

/** Says `idempotent-replay: true` on answers that are stored ones. */
export function installReplayHeader(server: FastifyInstance): void {
  server.addHook('onSend', (request, reply, payload, done) => {
    if (replayed.has(request)) void reply.header('idempotent-replay', 'true');
    done(null, payload);
  });
}
