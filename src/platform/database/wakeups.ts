import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { type Logger } from '../logging/logger.js';
import { type Database } from './database.js';
import { statement } from './statement.js';

const CHANNEL = 'skynet_wakeup';
const NOTIFY = statement('wakeups.notify', `select pg_notify('${CHANNEL}', $1)`);

/** How long a lost LISTEN connection waits before it tries again; polling carries the work meanwhile. */
const RECONNECT_MIN_MS = 250;
const RECONNECT_MAX_MS = 15_000;
/** Between two NOTIFYs of a busy process, each of which is a commit. The first of a burst is sent at once. */
const PAUSE_MS = 10;

/**
 * Hints between processes, over LISTEN/NOTIFY: "there is work of this kind". A hint may be lost, doubled or late, so
 * every follower polls as well; behind a pooler in transaction mode, where LISTEN does not work, only polling is left.
 *
 * `publish` is called after a commit. Followers in this process hear at once; other processes hear through one NOTIFY
 * for all that was published while the last one was under way or just sent: never inside a transaction, where NOTIFY would make
 * all commits queue behind one lock, and never per row.
 */
export class Wakeups {
  private readonly origin = randomUUID();
  private readonly followers = new Map<string, Set<() => void>>();
  private readonly pending = new Set<string>();
  private sending = false;
  private client: pg.Client | undefined;
  private retry: NodeJS.Timeout | undefined;
  private stopped = true;

  constructor(
    private readonly database: Database,
    private readonly connectionString: string,
    private readonly logger: Logger,
  ) {}

  /** Calls `follower` whenever `topic` is published anywhere. Returns the way to stop that. */
  subscribe(topic: string, follower: () => void): () => void {
    const followers = this.followers.get(topic) ?? new Set();
    this.followers.set(topic, followers.add(follower));
    return () => followers.delete(follower);
  }

  /** Says that there is work under `topic`. Never throws, never waits. */
  publish(topic: string): void {
    this.deliver(topic);
    this.pending.add(topic);
    if (this.sending || this.stopped) return;
    this.sending = true;
    // The followers in this process have their turn first: more often than not they do all the work.
    setImmediate(() => void this.send());
  }

  /** Starts listening; returns at once. A connection that fails is tried again until `stop`. */
  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    void this.listen(RECONNECT_MIN_MS);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.retry);
    const client = this.client;
    this.client = undefined;
    await client?.end().catch(() => undefined);
  }

  private deliver(topic: string): void {
    for (const follower of this.followers.get(topic) ?? []) follower();
  }

  private async send(): Promise<void> {
    try {
      while (this.pending.size > 0 && !this.stopped) {
        const topics = [...this.pending];
        this.pending.clear();
        await this.database.query(NOTIFY, [JSON.stringify({ origin: this.origin, topics })]);
        await wait(PAUSE_MS);
      }
    } catch (error) {
      this.pending.clear();
      this.logger.debug(
        { err: error },
        'A wake-up could not be sent; other replicas will find the work by polling.',
      );
    } finally {
      this.sending = false;
    }
  }

  private async listen(delayMs: number): Promise<void> {
    const client = new pg.Client({
      connectionString: this.connectionString,
      application_name: 'skynet-wakeups',
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
    });
    const lost = (error?: unknown) => {
      if (this.stopped || this.client !== client) return;
      this.client = undefined;
      this.logger.debug({ err: error }, 'The LISTEN connection is gone; polling until it is back.');
      void client.end().catch(() => undefined);
      this.retry = setTimeout(() => void this.listen(Math.min(delayMs * 2, RECONNECT_MAX_MS)), delayMs);
    };
    this.client = client;
    client.on('error', lost);
    client.on('end', () => lost());
    client.on('notification', ({ payload }) => {
      delayMs = RECONNECT_MIN_MS;
      this.received(payload ?? '');
    });
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
      // Whatever was published while nobody listened has to be looked for.
      for (const topic of this.followers.keys()) this.deliver(topic);
    } catch (error) {
      lost(error);
    }
  }

  private received(payload: string): void {
    let message: { origin?: unknown; topics?: unknown };
    try {
      message = JSON.parse(payload) as typeof message;
    } catch {
      return; // Somebody else's NOTIFY on our channel: a hint that says nothing.
    }
    if (message.origin === this.origin || !Array.isArray(message.topics)) return;
    for (const topic of message.topics) if (typeof topic === 'string') this.deliver(topic);
  }
}
