import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { Wakeups } from '../../platform/database/wakeups.js';
import { type Logger } from '../../platform/logging/logger.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { type ControlPlaneConfig } from '../config.js';
import { CONFIG, LOGGER, TOPICS, WokenLoop } from '../runtime/index.js';
import { type Attempt, claimDue, handBack, listDue } from './deliveries.queries.js';
import { Deliveries } from './deliveries.service.js';

/** The longest sleep: for what nobody was told of. */
const POLL_MS = 2_000;
/** Replicas that find a webhook's deliveries taken look again after this, and not all the time. */
const BUSY_MS = 50;
/** Attempts of one webhook that this replica has under way at once. All webhooks together have as many times that. */
const AT_ONCE = 4;

/**
 * Starts attempts when they are due. Each webhook has its own few, which nobody else waits for, and no pass waits for an
 * attempt; so a receiver that is slow holds up nobody but itself. An attempt is a lease: when its replica dies, another
 * one attempts the same delivery again, under the same id.
 */
@Injectable()
export class WebhookSenderLoop extends WokenLoop {
  private readonly underWay = new Map<string, Set<Promise<void>>>();
  private readonly stopping = new AbortController();

  constructor(
    private readonly database: Database,
    private readonly deliveries: Deliveries,
    wakeups: Wakeups,
    clock: ScheduleClock,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(LOGGER) logger: Logger,
  ) {
    const times = { intervalMs: POLL_MS, shortestMs: BUSY_MS };
    super({ name: 'webhooks sender', topic: TOPICS.webhooks, ...times, logger }, wakeups, clock.every);
  }

  /** Breaks off what is under way; other replicas attempt it again at once. */
  override async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await super.beforeApplicationShutdown();
    await Promise.all([...this.underWay.values()].flatMap((attempts) => [...attempts]));
  }

  protected async look(signal: AbortSignal): Promise<number | null> {
    let nextMs: number | null = null;
    for (const { webhookId, inMs } of await listDue(this.database)) {
      if (signal.aborted) return null;
      const room = AT_ONCE - (this.underWay.get(webhookId)?.size ?? 0);
      // Whoever ends makes the next look.
      if (room <= 0) continue;
      if (inMs <= 0) await this.begin(webhookId, room);
      nextMs = Math.min(nextMs ?? Infinity, Math.max(0, inMs));
    }
    return nextMs;
  }

  private async begin(webhookId: string, room: number): Promise<void> {
    // Longer than an attempt and its record take, so that a second one only begins when the first one's replica is gone.
    const leaseMs = 2 * this.config.webhooks.timeoutMs + 1_000;
    for (const attempt of await claimDue(this.database, webhookId, room, leaseMs)) {
      const attempts = this.underWay.get(webhookId) ?? new Set();
      this.underWay.set(webhookId, attempts);
      const running = this.attempt(attempt).finally(() => {
        attempts.delete(running);
        if (attempts.size === 0 && this.underWay.get(webhookId) === attempts) this.underWay.delete(webhookId);
        this.nudge();
      });
      attempts.add(running);
    }
  }

  /** Never rejects: what cannot be written down is attempted again when the lease has ended. */
  private async attempt(attempt: Attempt): Promise<void> {
    const { deliveryId, webhookId } = attempt;
    try {
      const result = await this.deliveries.attempt(attempt, this.stopping.signal);
      if (this.stopping.signal.aborted && result.error !== null) {
        await handBack(this.database, attempt, 'The replica shut down during the attempt.');
        return;
      }
      await this.deliveries.record(attempt, result);
    } catch (error) {
      this.logger.warn(
        { err: error, deliveryId, webhookId },
        'What came of a delivery could not be written.',
      );
    }
  }
}
