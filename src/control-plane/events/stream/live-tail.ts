import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Database } from '../../../platform/database/database.js';
import { Wakeups } from '../../../platform/database/wakeups.js';
import { sseEvent } from '../../../platform/http/event-stream.js';
import { breath } from '../../../platform/loops/breath.js';
import { Loop } from '../../../platform/loops/loop.js';
import { ScheduleClock } from '../../../platform/loops/schedule-clock.js';
import { type Logger } from '../../../platform/logging/logger.js';
import { Moves } from '../../../platform/moves.js';
import { type ControlPlaneConfig } from '../../config.js';
import { CONFIG, LOGGER, TOPICS } from '../../runtime/index.js';
import { type Position } from '../domain/position.js';
import { Tail, type TailEntry, type TailShare } from '../domain/tail.js';
import { ANY_EVENT, type EventFilter } from '../event-filter.js';
import { cursorOf, eventView } from '../event-view.js';
import { listProjects, readEnd, readPage, type TaskEvent } from '../events.queries.js';

/** Polling is the truth: while somebody follows, nothing waits longer than this. */
const POLL_MS = 1_000;
/** Between two readings, however many commits there are. */
const BREATH_MS = 20;
const PAGE = 500;
/** Who is further behind than that reads the log itself. */
const KEPT = 2_000;
const SHARE = 200;

/**
 * The live end of the log: one reader for all streams of this replica. While somebody follows, it reads after a hint that
 * something was committed, and once a second; otherwise it asks the database nothing. Followers at the end share what it
 * has read, and cost no query of their own.
 */
@Injectable()
export class LiveTail extends Loop implements OnApplicationBootstrap, OnApplicationShutdown {
  /** How often the tail has grown. */
  readonly moves = new Moves();
  private readonly tail = new Tail(KEPT, SHARE);
  private followers = 0;
  private projectFollowers = 0;
  private unsubscribe: (() => void)[] = [];
  /** When the reader was last at the end of the log, or began. */
  private atEndMs: number | undefined;

  constructor(
    private readonly database: Database,
    private readonly wakeups: Wakeups,
    clock: ScheduleClock,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(LOGGER) logger: Logger,
  ) {
    super({ name: 'events-live-tail', intervalMs: POLL_MS, logger }, clock.every);
  }

  onApplicationBootstrap(): void {
    const hint = () => {
      if (this.followers > 0) this.nudge();
    };
    this.unsubscribe = [
      this.wakeups.subscribe(TOPICS.ready, hint),
      this.database.followInserts('events', hint),
    ];
    this.start();
  }

  /** Only now, since streams go on until the server has closed; nobody follows any more, and nothing is read. */
  async onApplicationShutdown(): Promise<void> {
    for (const end of this.unsubscribe) end();
    await this.stop();
  }

  /** Keeps the tail read until the returned function is called. */
  join({ projectId }: EventFilter): () => void {
    const projects = projectId === null ? 0 : 1;
    this.followers++;
    this.projectFollowers += projects;
    this.nudge();
    return () => {
      this.followers--;
      this.projectFollowers -= projects;
    };
  }

  /** How long ago the reader was last at the end of the log; 0 while nobody follows. */
  get readerLagMs(): number {
    return this.followers === 0 || this.atEndMs === undefined ? 0 : performance.now() - this.atEndMs;
  }

  /** Whether {@link after} may answer at all: the reader has begun. */
  get begun(): boolean {
    return this.tail.end !== undefined;
  }

  /** The next events after a position, rendered; undefined when they have to be read from the log. */
  after(position: Position, filter: EventFilter): TailShare | undefined {
    return this.tail.after(position, filter);
  }

  /** An event as text of a stream. */
  render(event: TaskEvent): string {
    return sseEvent({
      id: cursorOf(event),
      event: event.eventType,
      data: JSON.stringify(eventView(event, this.config.ledger.redactClaimTokens)),
    });
  }

  protected async runOnce(signal: AbortSignal): Promise<void> {
    if (this.followers === 0) {
      this.atEndMs = undefined;
      this.tail.forget();
      return;
    }
    if (this.tail.end === undefined) {
      this.tail.begin(await readEnd(this.database));
      this.atEndMs = performance.now();
      this.moves.note();
    }
    for (let more = true; more && !signal.aborted;) more = await this.readOn();
    await breath(BREATH_MS, signal);
  }

  /** Reads the next page; whether there may be more. */
  private async readOn(): Promise<boolean> {
    const from = this.tail.end;
    if (from === undefined) return false;
    const { events, end, more } = await readPage(this.database, ANY_EVENT, from, PAGE);
    const projects =
      this.projectFollowers > 0 && events.length > 0
        ? await listProjects(this.database, [...new Set(events.map((event) => event.taskId))])
        : undefined;
    this.tail.append(
      events.map((event) => this.entryOf(event, projects)),
      end,
    );
    if (!more) this.atEndMs = performance.now();
    if (events.length > 0) this.moves.note();
    return more;
  }

  private entryOf(event: TaskEvent, projects: ReadonlyMap<string, string> | undefined): TailEntry {
    return {
      position: { txid: event.txid, id: event.id },
      taskId: event.taskId,
      type: event.eventType,
      projectId: projects === undefined ? undefined : (projects.get(event.taskId) ?? null),
      text: this.render(event),
    };
  }
}
