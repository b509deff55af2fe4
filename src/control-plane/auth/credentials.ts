import { createHash } from 'node:crypto';
import { type FastifyRequest } from 'fastify';
import { isPublicSkyclaw, isSkyclaw } from './skyclaw-routes.js';

/** What is kept of a random secret of our own making; its length makes a slow hash needless. */
export function secretHash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

type WithHeaders = Pick<FastifyRequest, 'headers'>;

function bearerOf({ headers }: WithHeaders): string {
  const [, bearer] = /^bearer[ ]+(.+)$/i.exec(headers.authorization ?? '') ?? [];
  return bearer?.trim() ?? '';
}

function apiKeyOf({ headers }: WithHeaders): string {
  const apiKey = headers['x-api-key'];
  return typeof apiKey === 'string' ? apiKey : '';
}

/** The key that a request shows: `X-API-Key` when it is not empty, else `Authorization: Bearer`, else an empty text. */
export function keyFrom(request: WithHeaders): string {
  const apiKey = apiKeyOf(request);
  return apiKey === '' ? bearerOf(request) : apiKey;
}

/** The key that a request to the public API shows, `Authorization: Bearer` first; an empty text without one. */
export function publicKeyFrom(request: WithHeaders): string {
  const bearer = bearerOf(request);
  return bearer === '' ? apiKeyOf(request).trim() : bearer;
}

/** The credential that a host shows; an empty text without one. */
export function hostTokenFrom({ headers }: WithHeaders): string {
  const token = headers['x-skyclaw-host-token'];
  return typeof token === 'string' ? token : '';
}

/** Who is calling, as a text that can be stored: a hash of what it shows, or `anonymous` where nothing is shown. */
export function callerIdentity(request: FastifyRequest): string {
  const shown = shownBy(request);
  return shown === '' ? 'anonymous' : secretHash(shown);
}

function shownBy(request: FastifyRequest): string {
  if (isPublicSkyclaw(request)) return publicKeyFrom(request);
  if (!isSkyclaw(request)) return keyFrom(request);
  const { 'x-skyclaw-token': token, 'x-skyclaw-host-token': hostToken } = request.headers;
  const key = apiKeyOf(request);
  return [token, hostToken, ...(key === '' ? [] : [key])]
    .filter((part) => typeof part === 'string')
    .join('\n');
}
