import { isUnavailable } from '../../../platform/database/errors.js';
import { type EventStream, sseEvent } from '../../../platform/http/event-stream.js';
import { BEGINNING, comparePositions, type Position } from '../domain/position.js';
import { type EventFilter } from '../event-filter.js';
import { cursorOf } from '../event-view.js';
import { type LogPage } from '../events.queries.js';
import { type LiveTail } from './live-tail.js';

/** How long a client should wait before it connects again; after a shutdown each another while, so that not all come at once. */
const RETRY_MS = 2_000;
/** How much is put into one write: a client that is slow holds no more than about this. */
const MAX_WRITE = 64 * 1_024;
/** After a reading that failed. */
const PAUSE_MS = 1_000;

/** Why a stream could not go on from where it was asked to. */
type ResetReason = 'pruned' | 'unknown-position';

export interface FollowerOptions {
  readonly stream: EventStream;
  readonly tail: LiveTail;
  /** Reads the log after a position. */
  readonly read: (after: Position) => Promise<LogPage>;
  readonly filter: EventFilter;
  readonly pingMs: number;
}

/**
 * One client of the log. It is always at one position, and takes from there: from the log while it is behind, from the
 * shared tail once it is at the end, and from the log again when it was too slow for the tail. It takes only when the
 * client has room, so nothing queues up for it.
 */
export class Follower {
  private at: Position;
  private sentAtMs = performance.now();
  /** Reads all that is kept, also the single events that outlived their time, which lie below the floor. */
  private wantsAllKept: boolean;
  /** The last reading came to the end of the log. */
  private caughtUp = false;
  /** The position that the client brought has been held against the log. */
  private isKnown: boolean;

  /** Begins after `from`, which a client has brought, or else at `end`, where the log ends now. */
  constructor(
    private readonly options: FollowerOptions,
    from: Position | null,
    end: Position,
  ) {
    this.at = from ?? end;
    this.isKnown = from === null;
    this.wantsAllKept = comparePositions(this.at, BEGINNING) === 0;
  }

  /** Follows until the client is gone, is cut off, or the server closes; then says where to go on. */
  async run(): Promise<void> {
    const { stream, tail, filter } = this.options;
    await this.send(`retry: ${RETRY_MS}\nid: ${cursorOf(this.at)}\n\n`);
    while (stream.end === undefined) {
      const { version } = tail.moves;
      const before = this.at;
      const share = this.isKnown ? tail.after(this.at, filter) : undefined;
      if (share !== undefined) {
        await this.sendAll(share.texts);
        this.at = share.end;
        if (share.texts.length > 0) continue;
      } else if (tail.begun || !this.isKnown || !this.caughtUp) {
        if (!(await this.catchUp())) await tail.moves.moved(version, PAUSE_MS, stream.signal);
        else if (comparePositions(before, this.at) !== 0) continue;
      }
      const silentMs = performance.now() - this.sentAtMs;
      if (silentMs >= this.options.pingMs) await this.send(`: ping\nid: ${cursorOf(this.at)}\n\n`);
      else await tail.moves.moved(version, Math.ceil(this.options.pingMs - silentMs), stream.signal);
    }
    if (stream.end === 'draining') stream.close(this.farewell());
  }

  /** Reads one page of the log; false when the database is away. */
  private async catchUp(): Promise<boolean> {
    let page: LogPage;
    try {
      page = await this.options.read(this.at);
    } catch (error) {
      if (isUnavailable(error)) return false;
      throw error;
    }
    const reason = this.reasonToReset(page);
    this.isKnown = true;
    if (reason !== undefined) {
      await this.reset(reason, page.floor);
      return true;
    }
    this.wantsAllKept &&= comparePositions(page.end, page.floor) < 0;
    this.caughtUp = !page.more;
    await this.sendAll(page.events.map((event) => this.options.tail.render(event)));
    this.at = page.end;
    return true;
  }

  private reasonToReset({ floor, nextTxid }: LogPage): ResetReason | undefined {
    if (comparePositions(this.at, { txid: nextTxid, id: 0 }) > 0) return 'unknown-position';
    return !this.wantsAllKept && comparePositions(this.at, floor) < 0 ? 'pruned' : undefined;
  }

  private async reset(reason: ResetReason, floor: Position): Promise<void> {
    this.at = floor;
    const position = cursorOf(floor);
    await this.send(sseEvent({ id: position, event: 'reset', data: JSON.stringify({ reason, position }) }));
  }

  private farewell(): string {
    const data = JSON.stringify({ reason: 'shutting-down', position: cursorOf(this.at) });
    const retry = Math.round(RETRY_MS * (0.5 + Math.random()));
    return `retry: ${retry}\n${sseEvent({ id: cursorOf(this.at), event: 'end', data })}`;
  }

  private async sendAll(texts: readonly string[]): Promise<void> {
    let write = '';
    for (const text of texts) {
      write += text;
      if (write.length < MAX_WRITE) continue;
      await this.send(write);
      write = '';
    }
    if (write !== '') await this.send(write);
  }

  private async send(text: string): Promise<void> {
    await this.options.stream.send(text);
    this.sentAtMs = performance.now();
  }
}
