import { isUnavailable } from '../../../platform/database/errors.js';
import { type EventStream, sseEvent } from '../../../platform/http/event-stream.js';
import { Problem } from '../../../platform/problems/problem.js';
import { cursorOf } from '../cursor.js';
import { type Place } from '../domain/subject.js';
import { type Page } from '../pages.service.js';
import { type Watch } from './watch.js';

/** How long a client should wait before it connects again; after a shutdown each another while, so that not all come at once. */
const RETRY_MS = 2_000;
/** After a reading that failed. */
const PAUSE_MS = 1_000;

export interface FollowerOptions {
  readonly stream: EventStream;
  readonly watch: Watch;
  readonly read: (after: Place) => Promise<Page>;
  readonly pingMs: number;
}

/**
 * One client of an output. It is always at one place and reads on from there, whenever the output has moved; it reads only
 * when the client has room, so nothing queues up for it.
 */
export class Follower {
  private sentAtMs = performance.now();

  constructor(
    private readonly options: FollowerOptions,
    private at: Place,
  ) {}

  /** Follows until the job has ended and all is told, the output is gone, the client is, or the server closes. */
  async run(first: Page): Promise<void> {
    const { stream, watch } = this.options;
    await this.send(`retry: ${RETRY_MS}\nid: ${cursorOf(this.at)}\n\n`);
    // What came between the first page and the watch is found by the second look.
    let page: Page | null = { ...first, more: true };
    let { version } = watch.moves;
    while (page !== null && stream.end === undefined) {
      await this.sendLines(page);
      if (page.end !== null) {
        stream.close(sseEvent({ id: cursorOf(this.at), event: 'end', data: JSON.stringify(page.end) }));
        return;
      }
      if (!page.more) await this.rest(version);
      version = watch.moves.version;
      page = await this.readOn();
    }
    // A client that connects again goes on, at another replica, or hears that the output is gone.
    stream.close(`retry: ${Math.round(RETRY_MS * (0.5 + Math.random()))}\n\n`);
  }

  /** Waits until there may be something new, and breaks the silence when there is not. */
  private async rest(version: number): Promise<void> {
    const { stream, watch, pingMs } = this.options;
    const silentMs = performance.now() - this.sentAtMs;
    if (silentMs >= pingMs) await this.send(': ping\n\n');
    else await watch.moves.moved(version, Math.ceil(pingMs - silentMs), stream.signal);
  }

  /** What comes next; null when the job or service is not there any more. While the database is away, it waits. */
  private async readOn(): Promise<Page | null> {
    const { read, stream, watch } = this.options;
    for (;;) {
      try {
        return await read(this.at);
      } catch (error) {
        if (error instanceof Problem && !isUnavailable(error)) return null;
        if (!isUnavailable(error)) throw error;
      }
      await watch.moves.moved(watch.moves.version, PAUSE_MS, stream.signal);
      if (stream.end !== undefined) return null;
    }
  }

  private async sendLines({ lines, at }: Page): Promise<void> {
    for (const { line, at: behind } of lines) {
      await this.send(sseEvent({ id: cursorOf(behind), event: 'log', data: JSON.stringify(line) }));
    }
    this.at = at;
  }

  private async send(text: string): Promise<void> {
    await this.options.stream.send(text);
    this.sentAtMs = performance.now();
  }
}
