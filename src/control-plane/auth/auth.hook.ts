import { type FastifyInstance, type FastifyRequest } from 'fastify';
import { isOfApi, traitsOf } from '../../platform/http/route.decorator.js';
import { Problem } from '../../platform/problems/problem.js';
import { secretsEqual } from '../../platform/secrets/secrets-equal.js';
import { callerOf, callerWith, identify } from './caller.js';
import { keyFrom } from './credentials.js';
import { isPublicSkyclaw, isSkyclaw } from './skyclaw-routes.js';

/**
 * Closes everything below /v1 that does not say `access: 'public'`, and whatever else says `access: 'key'`. Runs before a
 * body is read, so nobody without the key can make the server parse one. Unknown paths fall through to their 404.
 */
export function installAuth(server: FastifyInstance, apiKey: string | undefined): void {
  if (apiKey === undefined) return;
  server.addHook('onRequest', (request, reply, done) => {
    const { access } = traitsOf(request);
    const closed = isOfApi(request) && !isSkyclaw(request) && access !== 'public' && access !== 'operator';
    if (!closed || hasOwn(request)) return done();
    if (secretsEqual(keyFrom(request), apiKey)) {
      identify(request, callerWith('environment key', 'SKYNET_API_KEY', apiKey));
      return done();
    }
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
    const closed = isSkyclaw(request) && !isPublicSkyclaw(request) && traitsOf(request).access !== 'operator';
    done(
      !closed || hasOwn(request) || showsToken(request, tokens)
        ? undefined
        : new Problem('unauthorized', 'unauthorized'),
    );
  });
}

/**
 * Closes the routes with `access: 'operator'`, unless the server has no credential at all and may be open. The API key opens
 * them. The token that all hosts know does so where there is no API key, and for SkyClaw's own routes as long as hosts
 * have no credentials of their own: from then on a host is not trusted to be an operator.
 */
export function installOperatorAuth(
  server: FastifyInstance,
  {
    apiKey,
    skyclaw: { tokens, required },
    hostAuth,
  }: {
    readonly apiKey: string | undefined;
    readonly skyclaw: { readonly tokens: readonly string[]; readonly required: boolean };
    readonly hostAuth: boolean;
  },
): void {
  if (apiKey === undefined && tokens.length === 0 && !required) return;
  server.addHook('onRequest', (request, _reply, done) => {
    if (traitsOf(request).access !== 'operator' || hasOwn(request)) return done();
    const isOperator = apiKey !== undefined && secretsEqual(keyFrom(request), apiKey);
    const tokenCounts = apiKey === undefined || (isSkyclaw(request) && !hostAuth);
    if (isOperator) identify(request, callerWith('environment key', 'SKYNET_API_KEY', apiKey));
    const opens = isOperator || (tokenCounts && showsToken(request, tokens));
    done(opens ? undefined : new Problem('unauthorized', 'unauthorized'));
  });
}

/** Whether the caller has shown something of his own, that was found good for the route. */
function hasOwn(request: FastifyRequest): boolean {
  const { kind } = callerOf(request);
  return kind === 'key' || kind === 'run token';
}

function showsToken(request: FastifyRequest, tokens: readonly string[]): boolean {
  const header = request.headers['x-skyclaw-token'];
  const shown = typeof header === 'string' ? header : '';
  // All are compared, so that the time does not tell which one was close.
  const isOne = tokens.map((token) => secretsEqual(shown, token)).includes(true);
  if (isOne) identify(request, callerWith('token', 'SKYCLAW_TOKEN', shown));
  return isOne;
}
