import { Inject, Injectable } from '@nestjs/common';
import { Problem } from '../../platform/problems/problem.js';
import { Sealer, UnsealError } from '../../platform/secrets/sealing.js';
import { type ControlPlaneConfig } from '../config.js';
import { CONFIG } from '../runtime/index.js';

/** Seals the secrets of webhooks where they are stored, as credentials of gateways are. */
@Injectable()
export class WebhookSecrets {
  private readonly sealer: Sealer | null;

  constructor(@Inject(CONFIG) config: ControlPlaneConfig) {
    const { secretsKey } = config.openclaw;
    this.sealer = secretsKey === undefined ? null : new Sealer(secretsKey);
  }

  /** Throws a problem when there is no key to seal with. */
  seal(webhookId: string, secret: string): string {
    if (this.sealer !== null) return this.sealer.seal(secret, purpose(webhookId));
    throw new Problem(
      'webhooks-unavailable',
      'The secret of a webhook is stored sealed, and SKYNET_SECRETS_KEY is not set. Set it to the output of: openssl rand -hex 32',
    );
  }

  /** Throws {@link UnsealError}. */
  open(webhookId: string, sealed: string): string {
    if (this.sealer === null) throw new UnsealError();
    return this.sealer.open(sealed, purpose(webhookId));
  }
}

const purpose = (webhookId: string) => `webhook:${webhookId}`;
