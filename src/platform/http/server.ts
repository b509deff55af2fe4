import { randomUUID } from 'node:crypto';
import { type IncomingMessage } from 'node:http';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
} from 'fastify';
import { parseJsonText } from '../json/json-text.js';
import { Problem } from '../problems/problem.js';
import { type RouteTraits, traitsOf } from './route.decorator.js';

export interface ServerOptions {
  readonly maxBodyBytes: number;
  /** Whose `X-Forwarded-For` is believed; nobody's when empty. */
  readonly trustedProxies: readonly string[];
  /** Writes the answers to what gets past all hooks; without it they are Fastify's own. */
  readonly answer?: ProblemWriter;
}

type ProblemWriter = (request: FastifyRequest, reply: FastifyReply, problem: Problem) => void;

/** A request id that a caller chose is kept when it is short and plain; it ends up in logs and in error answers. */
const PLAIN_ID = /^[A-Za-z0-9._:-]{1,64}$/;

/**
 * The HTTP server below Nest: request ids, the body limit, and one body parser for whatever content type is named:
 * clients of the original API send JSON without saying so.
 */
export function createServer({ maxBodyBytes, trustedProxies, answer }: ServerOptions): FastifyAdapter {
  const adapter = new FastifyAdapter({
    ...(answer === undefined ? {} : unreadable(answer)),
    bodyLimit: maxBodyBytes,
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
    requestIdHeader: false,
    genReqId: (request: IncomingMessage) => {
      const given = request.headers['x-request-id'];
      return typeof given === 'string' && PLAIN_ID.test(given) ? given : randomUUID();
    },
    routerOptions: { maxParamLength: 1_024, ignoreTrailingSlash: true },
  });
  const server = adapter.getInstance<FastifyInstance>();
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'string' }, (request, body, done) => {
    try {
      const mend = traitsOf(request).mendsText === true;
      done(null, body === '' ? undefined : parseJsonText(body as string, { mend }));
    } catch (error) {
      done(error as Error, undefined);
    }
  });
  server.addHook('onRoute', (route) => {
    const { maxBodyBytes: own } = (route.config ?? {}) as RouteTraits;
    if (own !== undefined) route.bodyLimit = own;
  });
  server.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-request-id', request.id);
    done();
  });
  return adapter;
}

/** A URL that the router cannot read reaches no hook and no route. It is not repeated in the answer. */
function unreadable(
  answer: ProblemWriter,
): Pick<FastifyServerOptions, 'frameworkErrors' | 'return503OnClosing'> {
  return {
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      void reply.header('x-request-id', request.id);
      const tooLong = error.code === 'FST_ERR_MAX_PARAM_LENGTH';
      answer(
        request,
        reply,
        tooLong ? new Problem('not-found', 'Not Found') : new Problem('bad-request', 'Bad Request'),
      );
    },
    // Told by drainOnClose, in the same words as everything else.
    return503OnClosing: false,
  };
}
