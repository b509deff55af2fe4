import { randomUUID } from 'node:crypto';
import { type IncomingMessage } from 'node:http';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { type FastifyInstance } from 'fastify';
import { parseJsonText } from '../json/json-text.js';

export interface ServerOptions {
  readonly maxBodyBytes: number;
  /** Whose `X-Forwarded-For` is believed; nobody's when empty. */
  readonly trustedProxies: readonly string[];
}

/** A request id that a caller chose is kept when it is short and plain; it ends up in logs and in error answers. */
const PLAIN_ID = /^[A-Za-z0-9._:-]{1,64}$/;

/**
 * The HTTP server below Nest: request ids, the body limit, and one body parser for whatever content type is named:
 * clients of the original API send JSON without saying so.
 */
export function createServer({ maxBodyBytes, trustedProxies }: ServerOptions): FastifyAdapter {
  const adapter = new FastifyAdapter({
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
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? undefined : parseJsonText(body as string));
    } catch (error) {
      done(error as Error, undefined);
    }
  });
  server.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-request-id', request.id);
    done();
  });
  return adapter;
}
