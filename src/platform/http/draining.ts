import { type FastifyInstance, type FastifyRequest } from 'fastify';
import { Problem } from '../problems/problem.js';

/** How long requests that are under way may still take once the server closes. */
const REQUEST_GRACE_MS = 5_000;

/** Who answers for longer than a server may take to close, and wants to hear of it in time; null once it closes. */
const longAnswers = new WeakMap<FastifyInstance['server'], Set<() => void> | null>();

/**
 * Calls `end` once the server of an answer that may go on for hours begins to close: it then has the grace to finish in
 * good order. Returns the way to be forgotten, for when the answer ends by itself.
 */
export function whenDraining({ server }: FastifyInstance, end: () => void): () => void {
  const answers = longAnswers.get(server);
  if (answers === null) {
    end();
    return () => undefined;
  }
  const all = answers ?? new Set();
  longAnswers.set(server, all.add(end));
  return () => all.delete(end);
}

export interface DrainOptions {
  /** How long requests that are under way may still take once the server closes. */
  readonly graceMs?: number;
  /** Whether answers end their connections already, before the server closes. */
  readonly isLeaving?: () => boolean;
  /** What a request is refused with that comes after the server has begun to close; undefined lets it in. */
  readonly refusalOf?: (request: FastifyRequest) => Error | undefined;
}

const shuttingDown = () =>
  new Problem('shutting-down', 'This replica is shutting down; try another.', { retryAfterSeconds: 1 });

/**
 * Closes the server without cutting what is under way: idle connections end at once, running requests get their answer
 * and then lose the connection, long answers are told to finish ({@link whenDraining}), and whatever still runs after the
 * grace is cut off. Who asks anew on a connection that has not ended yet hears, unless told otherwise, 503 and finds
 * another replica.
 */
export function drainOnClose(
  server: FastifyInstance,
  { graceMs = REQUEST_GRACE_MS, isLeaving = () => false, refusalOf = shuttingDown }: DrainOptions = {},
): void {
  let closing = false;
  server.addHook('preClose', (done) => {
    closing = true;
    const answers = longAnswers.get(server.server) ?? [];
    longAnswers.set(server.server, null);
    for (const end of [...answers]) end();
    setTimeout(() => server.server.closeAllConnections(), graceMs).unref();
    done();
  });
  server.addHook('onRequest', (request, _reply, done) => {
    done(closing ? refusalOf(request) : undefined);
  });
  server.addHook('onSend', (_request, reply, payload, done) => {
    if (closing || isLeaving()) void reply.header('connection', 'close');
    done(null, payload);
  });
}
