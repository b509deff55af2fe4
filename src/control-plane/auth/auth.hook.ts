import { type FastifyInstance } from 'fastify';
import { isOfApi, traitsOf } from '../../platform/http/route.decorator.js';
import { Problem } from '../../platform/problems/problem.js';
import { keyFrom, secretsEqual } from './credentials.js';
import { isPublicSkyclaw, isSkyclaw } from './skyclaw-routes.js';

/**
 * Closes everything below /v1 that does not say `access: 'public'`, and whatever else says `access: 'key'`. Runs before a
 * body is read, so nobody without the key can make the server parse one. Unknown paths fall through to their 404.
 */
export function installAuth(server: FastifyInstance, apiKey: string | undefined): void {
  if (apiKey === undefined) return;
  server.addHook('onRequest', (request, reply, done) => {
    const closed = isOfApi(request) && !isSkyclaw(request) && traitsOf(request).access !== 'public';
    if (!closed || secretsEqual(keyFrom(request), apiKey)) return done();
    void reply.header('www-authenticate', 'Bearer');
    done(new Problem('unauthorized', 'Unauthorized'));
  });
}

/**
 * Closes the SkyClaw routes, unknown ones among them, to whoever does not send one of the tokens as `x-skyclaw-token`.
 * Without tokens they are open, or closed to all when they must not be open.
 */
export function installSkyclawAuth(
  server: FastifyInstance,
  { tokens, required }: { readonly tokens: readonly string[]; readonly required: boolean },
): void {
  if (tokens.length === 0 && !required) return;
  server.addHook('onRequest', (request, _reply, done) => {
    if (!isSkyclaw(request) || isPublicSkyclaw(request)) return done();
    const shown = request.headers['x-skyclaw-token'];
    // All are compared, so that the time does not tell which one was close.
    const matches = tokens.map((token) => secretsEqual(typeof shown === 'string' ? shown : '', token));
    done(matches.includes(true) ? undefined : new Problem('unauthorized', 'unauthorized'));
  });
}
