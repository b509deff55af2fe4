import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Database } from '../../../platform/database/database.js';
import { Wakeups } from '../../../platform/database/wakeups.js';
import { type Logger } from '../../../platform/logging/logger.js';
import { breath } from '../../../platform/loops/breath.js';
import { Loop } from '../../../platform/loops/loop.js';
import { ScheduleClock } from '../../../platform/loops/schedule-clock.js';
import { HostJobs } from '../../ledger/index.js';
import { LOGGER, TOPICS } from '../../runtime/index.js';
import { keyOf, type Subject } from '../domain/subject.js';
import { lastPositions } from '../logs.queries.js';
import { Watch } from './watch.js';

/** Polling is the truth: while somebody follows, nothing waits longer than this. */
const POLL_MS = 1_000;
/** Between two looks, however much is printed. */
const BREATH_MS = 20;

/**
 * Tells the streams of this replica when there is something new for them: one look at all outputs that are followed, after
 * a hint and once a second. While nobody follows, the database is asked nothing.
 */
@Injectable()
export class OutputTail extends Loop implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly watches = new Map<string, { readonly subject: Subject; readonly watch: Watch }>();
  private unsubscribe: (() => void)[] = [];

  constructor(
    private readonly database: Database,
    private readonly jobs: HostJobs,
    private readonly wakeups: Wakeups,
    clock: ScheduleClock,
    @Inject(LOGGER) logger: Logger,
  ) {
    super({ name: 'output-tail', intervalMs: POLL_MS, logger }, clock.every);
  }

  onApplicationBootstrap(): void {
    const hint = () => {
      if (this.watches.size > 0) this.nudge();
    };
    // Jobs end with an event.
    this.unsubscribe = [
      this.wakeups.subscribe(TOPICS.output, hint),
      this.database.followInserts('events', hint),
    ];
    this.start();
  }

  /** Only now, since streams go on until the server has closed. */
  async onApplicationShutdown(): Promise<void> {
    for (const end of this.unsubscribe) end();
    await this.stop();
  }

  /** Looks after an output until the returned watch is left as often as it was joined. */
  join(subject: Subject): Watch {
    const key = keyOf(subject);
    const known = this.watches.get(key);
    if (known !== undefined) return known.watch.joined();
    const watch = new Watch(() => this.watches.delete(key));
    this.watches.set(key, { subject, watch });
    return watch.joined();
  }

  protected async runOnce(signal: AbortSignal): Promise<void> {
    if (this.watches.size === 0) return;
    const subjects = [...this.watches.values()].map(({ subject }) => subject);
    const jobIds = subjects.filter(({ kind }) => kind === 'job').map(({ id }) => id);
    // The ends first: an end that is seen comes with all positions before it.
    const ended = new Set(await this.jobs.endedAmong(jobIds));
    for (const { subject, position } of await lastPositions(this.database, subjects)) {
      const hasEnded = subject.kind === 'job' && ended.has(subject.id);
      this.watches.get(keyOf(subject))?.watch.saw(`${position}/${hasEnded}`);
    }
    await breath(BREATH_MS, signal);
  }
}
