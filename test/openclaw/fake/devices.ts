import { createHash, createPublicKey, verify } from 'node:crypto';
import { type Challenge, type Fields, Refusal } from './protocol.js';

/**
 * The proof of a device is looked at as a real gateway does: against the key, and against the challenge of this connection.
 */
export function checkDevice(challenge: Challenge, params: Fields, approved: ReadonlySet<string>): void {
  const device = params['device'] as Fields | undefined;
  if (device === undefined) throw new Refusal('NOT_PAIRED', 'device identity required');
  const {
    id = '',
    publicKey = '',
    signature = '',
    signedAt,
    nonce,
  } = device as Partial<Record<string, string>>;
  const { id: clientId, mode, platform } = params['client'] as Record<string, string>;
  const scopes = (params['scopes'] as string[]).join(',');
  const { token } = params['auth'] as Record<string, string>;
  const payload = `v3|${id}|${clientId}|${mode}|operator|${scopes}|${challenge.ts}|${token}|${challenge.nonce}|${platform}|`;
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' });
  const isGood =
    id === createHash('sha256').update(Buffer.from(publicKey, 'base64url')).digest('hex') &&
    Number(signedAt) === challenge.ts &&
    nonce === challenge.nonce &&
    verify(null, Buffer.from(payload), key, Buffer.from(signature, 'base64url'));
  if (!isGood) throw new Refusal('INVALID_REQUEST', 'device signature invalid');
  if (!approved.has(id)) {
    throw new Refusal('NOT_PAIRED', 'pairing required', {
      details: { code: 'PAIRING_REQUIRED', requestId: `request-${id.slice(0, 8)}` },
    });
  }
}
