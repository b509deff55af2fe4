import { type FastifyInstance } from 'fastify';
import { isOfApi, traitsOf } from '../../platform/http/route.decorator.js';
import { Problem } from '../../platform/problems/problem.js';
import { secretsEqual } from '../../platform/secrets/secrets-equal.js';
import { keyFrom } from './credentials.js';

/**
 * Closes everything below /v1 that does not say `access: 'public'`, and whatever else says `access: 'key'`. Runs before a body is read, so nobody without the
 * key can make the server parse one. Unknown paths fall through to their 404.
 */
export function installAuth(server: FastifyInstance, apiKey: string | undefined): void {
  if (apiKey === undefined) return;
  server.addHook('onRequest', (request, reply, done) => {
    const closed = isOfApi(request) && traitsOf(request).access !== 'public';
    if (!closed || secretsEqual(keyFrom(request), apiKey)) return done();
    void reply.header('www-authenticate', 'Bearer');
    done(new Problem('unauthorized', 'Unauthorized'));
  });
}
