import { type FastifyRequest } from 'fastify';

/** How errors are told on routes that old clients know: `{"detail": …}`, or `{"error": "text"}`. */
export type Envelope = 'detail' | 'error';

const envelopes = new WeakMap<FastifyRequest, Envelope>();

/** Has errors of a request told in another envelope than `{"detail": …}`. To be said before anything can go wrong. */
export function useEnvelope(request: FastifyRequest, envelope: Envelope): void {
  envelopes.set(request, envelope);
}

export function envelopeOf(request: FastifyRequest): Envelope {
  return envelopes.get(request) ?? 'detail';
}
