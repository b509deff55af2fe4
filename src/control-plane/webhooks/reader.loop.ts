import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { Wakeups } from '../../platform/database/wakeups.js';
import { type Logger } from '../../platform/logging/logger.js';
import { breath } from '../../platform/loops/breath.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { type ControlPlaneConfig } from '../config.js';
import {
  BEGINNING,
  comparePositions,
  eventTypes,
  listProjects,
  type LogPage,
  readPage,
} from '../events/index.js';
import { ApplicationLoop, CONFIG, LOGGER, TOPICS } from '../runtime/index.js';
import { insertDeliveries } from './deliveries.queries.js';
import { typesOf } from './domain/event-patterns.js';
import { messageOf } from './message.js';
import { listFollowing, moveOn, type Webhook } from './webhooks.queries.js';
import { MAX_PENDING } from './webhooks.service.js';

/** Polling is the truth: nothing waits longer than this. */
const POLL_MS = 1_000;
/** Between two readings, however many commits there are. */
const BREATH_MS = 50;
const PAGE = 500;
/** Transactions without an event for a webhook after which its position is written down all the same. */
const STALE_TRANSACTIONS = 1_000n;

/**
 * Makes deliveries of the log. Each webhook has a position of its own, and reads from there as whoever follows the log:
 * what is behind the position has become deliveries, in the transaction that moved it. Whichever replica is first moves it;
 * the others find it moved, and have read in vain. Without webhooks a pass is one look at an empty table.
 */
@Injectable()
export class WebhookReaderLoop extends ApplicationLoop {
  private unfollow: (() => void)[] = [];

  constructor(
    private readonly database: Database,
    private readonly wakeups: Wakeups,
    clock: ScheduleClock,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(LOGGER) logger: Logger,
  ) {
    super({ name: 'webhooks reader', intervalMs: POLL_MS, logger }, clock.every);
  }

  /** Whether the last pass found webhooks: only then is a commit of somebody worth a look before the time. */
  private hasReaders = false;

  override onApplicationBootstrap(): void {
    const hint = () => {
      if (this.hasReaders) this.nudge();
    };
    this.unfollow = [
      this.database.followInserts('events', hint),
      this.wakeups.subscribe(TOPICS.ready, hint),
      this.wakeups.subscribe(TOPICS.webhooks, hint),
    ];
    super.onApplicationBootstrap();
  }

  override async beforeApplicationShutdown(): Promise<void> {
    for (const end of this.unfollow) end();
    await super.beforeApplicationShutdown();
  }

  protected async runOnce(signal: AbortSignal): Promise<void> {
    const webhooks = await listFollowing(this.database, MAX_PENDING);
    this.hasReaders = webhooks.length > 0;
    let more = false;
    for (const webhook of webhooks) {
      if (signal.aborted) return;
      more = (await this.readOn(webhook)) || more;
    }
    if (more) this.nudge();
    if (this.hasReaders) await breath(BREATH_MS, signal);
  }

  /** Reads a page for one webhook; whether there may be more. */
  private async readOn(webhook: Webhook): Promise<boolean> {
    const { id, eventTypes: patterns, projectId, position } = webhook;
    const wanted = typesOf(patterns, eventTypes);
    const filter = {
      ...{ taskId: null, projectId, since: null },
      types: wanted.length === eventTypes.length ? null : wanted,
    };
    const page = await readPage(this.database, filter, position, PAGE);
    if (!isWorthWriting(page, webhook)) return false;
    const projects = await listProjects(this.database, [
      ...new Set(page.events.map((event) => event.taskId)),
    ]);
    const messages = page.events.map((event) => messageOf(id, event, projects.get(event.taskId) ?? null));
    await this.database.transaction(async (tx) => {
      if (!(await moveOn(tx, webhook, page.end, hasGap(page, webhook)))) return;
      if (messages.length === 0) return;
      await insertDeliveries(tx, id, messages, this.config.webhooks.retryMs);
      tx.afterCommit(() => this.wakeups.publish(TOPICS.webhooks));
    });
    return page.more;
  }
}

/** An idle system writes nothing, and a position that only others' transactions have moved is written now and then. */
function isWorthWriting({ events, more, end }: LogPage, { position }: Webhook): boolean {
  return events.length > 0 || more || BigInt(end.txid) - BigInt(position.txid) >= STALE_TRANSACTIONS;
}

/** Whether retention has dropped what was not read yet. Who begins at the beginning takes what there is. */
function hasGap({ floor }: LogPage, { position }: Webhook): boolean {
  return comparePositions(position, floor) < 0 && comparePositions(position, BEGINNING) !== 0;
}
