import { type FastifyInstance, type FastifyRequest } from 'fastify';
import { useEnvelope } from '../../platform/http/envelope.js';
import { routeOf } from '../../platform/http/route.decorator.js';

const ROUTES = /^\/(?:health|v1\/(?:hosts|jobs|services|public|replicate|network|state)(?:\/.*)?)$/;
const PUBLIC_ROUTES = /^\/v1\/public(?:\/|$)/;

/**
 * Whether a request is for the SkyClaw family of routes, known or not: they have their own token, their own envelope and
 * no limit per client.
 */
export function isSkyclaw(request: FastifyRequest): boolean {
  return ROUTES.test(request.is404 ? decodedPath(request.url) : routeOf(request));
}

/** Those of them that need no token: what they ask for instead is their own affair. */
export function isPublicSkyclaw(request: FastifyRequest): boolean {
  return PUBLIC_ROUTES.test(request.is404 ? decodedPath(request.url) : routeOf(request));
}

/** Has their errors told as `{"error": "text"}`. To be installed before anything that may refuse a request. */
export function installSkyclawEnvelope(server: FastifyInstance): void {
  server.addHook('onRequest', (request, _reply, done) => {
    if (isSkyclaw(request)) useEnvelope(request, 'error');
    done();
  });
}

function decodedPath(url: string): string {
  const path = (url.split('?', 1)[0] ?? '').replace(/(?<=.)\/+$/, '');
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
