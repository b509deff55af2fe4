import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';

/** Who we are to a gateway on another machine: an Ed25519 key pair that its operator has to approve once. */
export interface Device {
  /** The private key, PKCS 8 in base64. */
  readonly privateKey: string;
}

/** What is signed beside the device itself. */
export interface Challenge {
  readonly clientId: string;
  readonly clientMode: string;
  readonly role: string;
  readonly scopes: readonly string[];
  readonly token: string;
  readonly platform: string;
  readonly ts: number;
  readonly nonce: string;
}

export function newDevice(): Device {
  const { privateKey } = generateKeyPairSync('ed25519');
  return { privateKey: privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64') };
}

/** The `device` of a connect request: the proof that we hold the key, for this challenge only. */
export function proofOf({ privateKey: encoded }: Device, challenge: Challenge): Record<string, unknown> {
  const privateKey = createPrivateKey({ key: Buffer.from(encoded, 'base64'), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey).export({ format: 'jwk' }).x ?? '';
  const id = createHash('sha256').update(Buffer.from(publicKey, 'base64url')).digest('hex');
  const { clientId, clientMode, role, scopes, ts, token, nonce, platform } = challenge;
  const payload = [
    'v3',
    id,
    clientId,
    clientMode,
    role,
    scopes.join(','),
    ts,
    token,
    nonce,
    platform,
    '',
  ].join('|');
  return {
    id,
    publicKey,
    signature: sign(null, Buffer.from(payload), privateKey).toString('base64url'),
    signedAt: ts,
    nonce,
  };
}
