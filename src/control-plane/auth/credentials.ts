import { createHash } from 'node:crypto';
import { type FastifyRequest } from 'fastify';

/** The key that a request shows: `X-API-Key` when it is not empty, else `Authorization: Bearer`, else an empty text. */
export function keyFrom({ headers }: Pick<FastifyRequest, 'headers'>): string {
  const apiKey = headers['x-api-key'];
  if (typeof apiKey === 'string' && apiKey !== '') return apiKey;
  const [, bearer] = /^bearer[ ]+(.+)$/i.exec(headers.authorization ?? '') ?? [];
  return bearer?.trim() ?? '';
}

/** Who is calling, as a text that can be stored: a hash of the key, or `anonymous` on an open server. */
export function callerIdentity(request: Pick<FastifyRequest, 'headers'>): string {
  const key = keyFrom(request);
  return key === '' ? 'anonymous' : createHash('sha256').update(key).digest('hex');
}
