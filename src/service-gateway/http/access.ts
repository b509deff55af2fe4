import { type IncomingHttpHeaders } from 'node:http';
import { secretsEqual } from '../../platform/secrets/secrets-equal.js';
import { bearerOf } from '../domain/token.js';

/** Whether a caller may pass, and whether it is its Authorization that says so and therefore stays here. */
export type Access = 'refused' | 'granted' | 'granted-by-authorization';

/** Judges the token of a request; without a token everybody may pass. */
export function accessOf(headers: IncomingHttpHeaders, token: string | undefined): Access {
  if (token === undefined) return 'granted';
  if (secretsEqual(bearerOf(headers.authorization), token)) return 'granted-by-authorization';
  const own = headers['x-skyclaw-gateway-token'];
  return typeof own === 'string' && secretsEqual(own, token) ? 'granted' : 'refused';
}
