import { readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import ipaddr from 'ipaddr.js';
import { hostName } from '../../../platform/addresses/domain/address.js';
import { Database, type Db } from '../../../platform/database/database.js';
import { Problem } from '../../../platform/problems/problem.js';
import { Sealer } from '../../../platform/secrets/sealing.js';
import { type ControlPlaneConfig } from '../../config.js';
import { CONFIG } from '../../runtime/index.js';
import { type GatewayAddress, type GivenCredential } from '../gateway-protocol.js';
import { expectBack, findAccess, forgetAccess, keepDeviceToken, saveAccess } from './access.queries.js';
import { type Device, newDevice } from './device.js';

const MAX_SECRET_BYTES = 16_384;
/** What may stand in a header and in a signed text. */
const PRINTABLE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** Why a gateway cannot be got into. Its message names what is wrong and never shows a secret. */
export class AccessError extends Error {}

/** What a connection needs. */
export interface Access {
  /** The gateway's token or password; empty when it has none. */
  readonly credential: string;
  /** Null on this machine, where no device is needed. */
  readonly device: Device | null;
  /** What the gateway has given the device; null before it was approved. */
  readonly deviceToken: string | null;
  readonly isStarting: boolean;
}

/**
 * How gateways are got into. Secrets are sealed where they are stored, read from their file at each use, and given to
 * nobody but the connection to the host that they were given for.
 */
@Injectable()
export class AccessService {
  private readonly sealer: Sealer | null;

  constructor(
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
  ) {
    const { secretsKey } = config.openclaw;
    this.sealer = secretsKey === undefined ? null : new Sealer(secretsKey);
  }

  /** See `GatewayProtocol.admit`. */
  async admit(db: Db, gateway: GatewayAddress, given: GivenCredential | null): Promise<void> {
    const { gatewayId, host } = gateway;
    await this.refuseUnusable(given);
    const stored = await findAccess(db, gatewayId);
    const needsDevice = !isLoopback(host) && (stored?.sealedDevice == null || stored.host !== host);
    const secret = given?.secret ?? null;
    await saveAccess(db, gatewayId, {
      host,
      isGiven: given !== null,
      sealedCredential:
        secret === null
          ? null
          : this.sealerFor('A credential').seal(secret, purpose(gatewayId, 'credential')),
      credentialFile: given?.file ?? null,
      sealedDevice: needsDevice
        ? this.sealerFor('The device key for a gateway on another machine').seal(
            JSON.stringify(newDevice()),
            purpose(gatewayId, 'device'),
          )
        : null,
      startingMs: this.config.openclaw.startingMs,
    });
  }

  forget(db: Db, gatewayId: string): Promise<void> {
    return forgetAccess(db, gatewayId);
  }

  /** What is needed to connect. Throws {@link AccessError}. */
  async of({ gatewayId, host }: GatewayAddress): Promise<Access> {
    const stored = await findAccess(this.database, gatewayId);
    if (stored?.host !== host) {
      return { credential: '', device: null, deviceToken: null, isStarting: false };
    }
    const opened = (sealed: string, what: string) => this.opened(sealed, purpose(gatewayId, what));
    const { sealedCredential, credentialFile, sealedDevice, sealedDeviceToken, isStarting } = stored;
    return {
      credential:
        sealedCredential !== null
          ? opened(sealedCredential, 'credential')
          : credentialFile === null
            ? ''
            : await this.secretFrom(credentialFile),
      device:
        sealedDevice === null || isLoopback(host)
          ? null
          : (JSON.parse(opened(sealedDevice, 'device')) as Device),
      deviceToken: sealedDeviceToken === null ? null : opened(sealedDeviceToken, 'device-token'),
      isStarting,
    };
  }

  async isStarting(gatewayId: string): Promise<boolean> {
    return (await findAccess(this.database, gatewayId))?.isStarting ?? false;
  }

  async keepDeviceToken(gateway: GatewayAddress, token: string): Promise<void> {
    if (this.sealer === null) return;
    const sealed = this.sealer.seal(token, purpose(gateway.gatewayId, 'device-token'));
    await keepDeviceToken(this.database, gateway, sealed);
  }

  /** The gateway has said that it ends. */
  expectBack({ gatewayId }: GatewayAddress): Promise<void> {
    return expectBack(this.database, gatewayId, this.config.openclaw.startingMs);
  }

  private async refuseUnusable(given: GivenCredential | null): Promise<void> {
    if (given === null) return;
    if (given.secret !== null && given.file !== null) {
      throw new Problem('invalid-credential', 'Give credential or credential_file, not both.');
    }
    if (given.secret !== null && !PRINTABLE.test(given.secret)) {
      throw new Problem('invalid-credential', 'credential may hold printable ASCII characters only.');
    }
    if (given.file === null) return;
    try {
      await this.secretFrom(given.file);
    } catch (error) {
      if (error instanceof AccessError) throw new Problem('invalid-credential', error.message);
      throw error;
    }
  }

  private sealerFor(what: string): Sealer {
    if (this.sealer !== null) return this.sealer;
    throw new Problem(
      'invalid-credential',
      `${what} is stored sealed, and SKYNET_SECRETS_KEY is not set. Set it to the output of: openssl rand -hex 32`,
    );
  }

  private opened(sealed: string, of: string): string {
    if (this.sealer === null)
      throw new AccessError('SKYNET_SECRETS_KEY is not set, and what is stored is sealed.');
    try {
      return this.sealer.open(sealed, of);
    } catch (error) {
      throw new AccessError('What is stored cannot be opened with the present SKYNET_SECRETS_KEY.', {
        cause: error,
      });
    }
  }

  /** The secret in a file of the configured folder, whatever links the name goes through. */
  private async secretFrom(file: string): Promise<string> {
    const { secretsDir } = this.config.openclaw;
    if (secretsDir === undefined)
      throw new AccessError('credential_file needs SKYNET_SECRETS_DIR, which is not set.');
    try {
      const [folder, path] = await Promise.all([realpath(secretsDir), realpath(join(secretsDir, file))]);
      const inside = relative(folder, path);
      if (inside === '' || inside.startsWith('..') || isAbsolute(inside)) {
        throw new AccessError('credential_file must be a file below SKYNET_SECRETS_DIR.');
      }
      const { size } = await stat(path);
      if (size > MAX_SECRET_BYTES)
        throw new AccessError(`credential_file holds more than ${MAX_SECRET_BYTES} bytes.`);
      const secret = (await readFile(path, 'utf8')).trim();
      if (!PRINTABLE.test(secret)) {
        throw new AccessError('credential_file must hold one line of printable ASCII characters.');
      }
      return secret;
    } catch (error) {
      if (error instanceof AccessError) throw error;
      const { code = 'unreadable' } = error as NodeJS.ErrnoException;
      throw new AccessError(`credential_file cannot be read: ${code}.`, { cause: error });
    }
  }
}

/** Whether a gateway is on this machine, where it takes us for its own without a device. */
export function isLoopback(host: string): boolean {
  const name = hostName(new URL(host));
  if (ipaddr.isValid(name)) return ipaddr.process(name).range() === 'loopback';
  return name === 'localhost';
}

const purpose = (gatewayId: string, what: string) => `openclaw:${gatewayId}:${what}`;
