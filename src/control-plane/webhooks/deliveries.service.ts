import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { type Logger } from '../../platform/logging/logger.js';
import { UnsealError } from '../../platform/secrets/sealing.js';
import { type ControlPlaneConfig } from '../config.js';
import { CONFIG, LOGGER } from '../runtime/index.js';
import { type Attempt, endDelivery, postponeDelivery } from './deliveries.queries.js';
import { backOffMs } from './domain/back-off.js';
import { WebhookSecrets } from './secrets.js';
import { type SendResult, WebhookSender } from './sender.js';
import { disableWebhook, findTarget, noteFailure, noteSuccess } from './webhooks.queries.js';

/** Attempts at deliveries, and what comes of them. */
@Injectable()
export class Deliveries {
  constructor(
    private readonly database: Database,
    private readonly secrets: WebhookSecrets,
    private readonly sender: WebhookSender,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Sends a message to where its webhook is by now, signed by the secrets that it has by now. */
  async attempt({ webhookId, deliveryId, body }: Attempt, signal: AbortSignal): Promise<SendResult> {
    const target = await findTarget(this.database, webhookId);
    if (target === null) return failure('The webhook has been disabled or deleted.');
    let secrets: string[];
    try {
      secrets = target.sealedSecrets.map((sealed) => this.secrets.open(webhookId, sealed));
    } catch (error) {
      if (error instanceof UnsealError) return failure(error.message);
      throw error;
    }
    const message = { id: deliveryId, timestamp: Math.floor(Date.now() / 1_000), body };
    return this.sender.send(target.url, message, secrets, signal);
  }

  /** Writes down what came of an attempt, with what follows for its webhook, unless the attempt no longer counts. */
  async record(attempt: Attempt, result: SendResult): Promise<void> {
    const { webhookId, attempts } = attempt;
    const { disableAfterDays } = this.config.webhooks;
    await this.database.transaction(async (tx) => {
      if (result.error === null) {
        if (await endDelivery(tx, attempt, 'delivered', result)) await noteSuccess(tx, webhookId);
        return;
      }
      const counts = result.isGone
        ? await endDelivery(tx, attempt, 'failed', result)
        : await postponeDelivery(
            tx,
            attempt,
            result,
            backOffMs(attempts, Math.random(), result.retryAfterMs),
          );
      if (!counts) return;
      const isLong = await noteFailure(tx, webhookId, disableAfterDays);
      const reason = result.isGone ? 'gone' : isLong && disableAfterDays > 0 ? 'failing' : null;
      if (reason === null || (await disableWebhook(tx, webhookId, reason)) === null) return;
      tx.afterCommit(() => this.logger.warn({ webhookId, reason }, 'A webhook was disabled.'));
    });
  }
}

function failure(error: string): SendResult {
  return { statusCode: null, error, isGone: false, retryAfterMs: null };
}
