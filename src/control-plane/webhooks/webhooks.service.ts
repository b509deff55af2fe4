import { Inject, Injectable } from '@nestjs/common';
import { Database, type Db } from '../../platform/database/database.js';
import { type Instant } from '../../platform/database/row.js';
import { Wakeups } from '../../platform/database/wakeups.js';
import { timeOrderedUuid } from '../../platform/ids/time-ordered-uuid.js';
import { Problem, type RequestIssue } from '../../platform/problems/problem.js';
import { type ControlPlaneConfig } from '../config.js';
import { eventTypes, type Position, readEnd } from '../events/index.js';
import { CONFIG, TOPICS } from '../runtime/index.js';
import {
  countPending,
  type Delivery,
  type DeliveryStatus,
  findDelivery,
  insertDeliveries,
  listDeliveries,
  redeliver,
} from './deliveries.queries.js';
import { strangePattern } from './domain/event-patterns.js';
import { refusalOfTarget } from './domain/target.js';
import { testMessage } from './message.js';
import { WebhookSecrets } from './secrets.js';
import { newSecret } from './signing.js';
import {
  deleteWebhook,
  disableWebhook,
  enableWebhook,
  findWebhook,
  insertWebhook,
  listWebhooks,
  lockCount,
  lockWebhook,
  redefineWebhook,
  rotateSecret,
  type Webhook,
  type WebhookDefinition,
} from './webhooks.queries.js';

/** Deliveries of one webhook that wait at once; while there are so many the log is not read on for it. */
export const MAX_PENDING = 10_000;

/** A webhook with the number of deliveries that wait, which ends at {@link MAX_PENDING}. */
export type CountedWebhook = Webhook & { readonly pending: number };

export interface WebhookChange extends Partial<WebhookDefinition> {
  readonly enabled?: boolean;
  /** Where one that is enabled again begins: after this place, or where it was when it was disabled. */
  readonly after?: Position | 'now';
}

/** What operators do with webhooks. */
@Injectable()
export class WebhooksService {
  constructor(
    private readonly database: Database,
    private readonly secrets: WebhookSecrets,
    private readonly wakeups: Wakeups,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
  ) {}

  /** Makes a webhook that is told what comes after `after`, or from now on. Its secret is in this answer and nowhere else. */
  async create(
    db: Db,
    definition: WebhookDefinition,
    after: Position | null,
  ): Promise<{ readonly webhook: CountedWebhook; readonly secret: string }> {
    this.refuseUnusable(definition);
    const id = `wh_${timeOrderedUuid()}`;
    const secret = newSecret();
    const sealedSecret = this.secrets.seal(id, secret);
    const webhook = await db.transaction(async (tx) => {
      if ((await lockCount(tx)) >= this.config.webhooks.max) {
        throw new Problem(
          'too-many-webhooks',
          `There are ${this.config.webhooks.max} webhooks already; SKYNET_WEBHOOKS_MAX lets there be no more.`,
        );
      }
      const position = after ?? (await readEnd(tx));
      return insertWebhook(tx, { id, sealedSecret, position }, definition);
    });
    return { webhook: { ...webhook, pending: 0 }, secret };
  }

  /** Webhooks in the order in which they were made, after one. */
  async list(afterId: string, limit: number): Promise<CountedWebhook[]> {
    return this.counted(this.database, await listWebhooks(this.database, afterId, limit));
  }

  /** Throws when there is no such webhook; all methods below do. */
  async get(id: string): Promise<CountedWebhook> {
    return this.withCount(this.database, (await findWebhook(this.database, id)) ?? missing());
  }

  /**
   * Changes what is given. One that is disabled is told nothing; enabled again it goes on where it was, or after
   * `change.after`.
   */
  change(db: Db, id: string, change: WebhookChange): Promise<CountedWebhook> {
    return db.transaction(async (tx) => {
      const known = (await lockWebhook(tx, id)) ?? missing();
      const { enabled, after, ...given } = change;
      const definition = { ...known, ...given };
      this.refuseUnusable(definition);
      let webhook = await redefineWebhook(tx, id, definition);
      if (enabled === false) webhook = (await disableWebhook(tx, id, 'by-operator')) ?? webhook;
      if (enabled === true && known.disabledAt !== null) {
        const from = after === 'now' ? await readEnd(tx) : (after ?? known.position);
        webhook = await enableWebhook(tx, id, from);
      }
      this.announce(tx);
      return this.withCount(tx, webhook);
    });
  }

  /** Ends a webhook, with all that is known of its deliveries. */
  delete(db: Db, id: string): Promise<void> {
    return db.transaction(async (tx) => {
      if (!(await deleteWebhook(tx, id))) missing();
    });
  }

  /** Gives a webhook another secret. For `overlapSeconds` what is sent is signed by both. */
  async rotate(
    db: Db,
    id: string,
    overlapSeconds: number,
  ): Promise<{ readonly webhook: CountedWebhook; readonly secret: string }> {
    if ((await findWebhook(db, id)) === null) missing();
    const secret = newSecret();
    const rotated = await rotateSecret(db, id, this.secrets.seal(id, secret), overlapSeconds);
    return { webhook: await this.withCount(db, rotated ?? missing()), secret };
  }

  /** Sends a message that tells of nothing. */
  test(db: Db, id: string): Promise<Delivery> {
    return db.transaction(async (tx) => {
      refuseDisabled((await lockWebhook(tx, id)) ?? missing());
      const message = testMessage(id, timeOrderedUuid(), new Date().toISOString());
      await insertDeliveries(tx, id, [message], this.config.webhooks.retryMs);
      this.announce(tx);
      return (await findDelivery(tx, id, message.id)) ?? missingDelivery(message.id);
    });
  }

  /** The deliveries of a webhook, newest first. */
  async deliveries(
    id: string,
    status: DeliveryStatus | null,
    after: { readonly createdAt: Instant; readonly id: string } | null,
    limit: number,
  ): Promise<Delivery[]> {
    if ((await findWebhook(this.database, id)) === null) missing();
    return listDeliveries(this.database, id, status, after, limit);
  }

  /** Attempts a delivery now, whatever became of it, and begins its retries anew. */
  redeliver(db: Db, id: string, deliveryId: string): Promise<Delivery> {
    return db.transaction(async (tx) => {
      refuseDisabled((await findWebhook(tx, id)) ?? missing());
      const delivery = await redeliver(tx, id, deliveryId, this.config.webhooks.retryMs);
      this.announce(tx);
      return delivery ?? missingDelivery(deliveryId);
    });
  }

  private refuseUnusable({ url, eventTypes: patterns }: WebhookDefinition): void {
    const issues: RequestIssue[] = [];
    const refusal = refusalOfTarget(url, this.config.webhooks);
    // What was sent is not repeated: an address may hold a token.
    if (refusal !== null) issues.push(issue('url', `The address ${refusal}`, '***'));
    const strange = strangePattern(patterns, eventTypes);
    if (patterns.length === 0 || strange !== undefined) {
      const msg = `Input should name types of events, or their beginnings with a star: ${eventTypes.join(', ')}`;
      issues.push(issue('event_types', msg, strange ?? patterns));
    }
    if (issues.length === 0) return;
    const detail = issues.map(({ loc, msg }) => `${loc.slice(1).join('.')}: ${msg}`).join('; ');
    throw new Problem('invalid-request', detail, { issues });
  }

  private async counted(db: Db, webhooks: readonly Webhook[]): Promise<CountedWebhook[]> {
    const pending = await countPending(
      db,
      webhooks.map(({ id }) => id),
      MAX_PENDING,
    );
    return webhooks.map((webhook) => ({ ...webhook, pending: pending.get(webhook.id) ?? 0 }));
  }

  private async withCount(db: Db, webhook: Webhook): Promise<CountedWebhook> {
    const pending = await countPending(db, [webhook.id], MAX_PENDING);
    return { ...webhook, pending: pending.get(webhook.id) ?? 0 };
  }

  private announce(db: Db): void {
    db.afterCommit(() => this.wakeups.publish(TOPICS.webhooks));
  }
}

function issue(field: string, msg: string, input: unknown): RequestIssue {
  return { type: 'value_error', loc: ['body', field], msg, input };
}

function refuseDisabled({ disabledAt }: Webhook): void {
  if (disabledAt !== null) throw new Problem('webhook-disabled', 'The webhook is disabled; enable it first.');
}

function missing(): never {
  throw new Problem('webhook-not-found', 'Webhook not found');
}

function missingDelivery(id: string): never {
  throw new Problem('delivery-not-found', `The webhook has no delivery '${id}'.`);
}
