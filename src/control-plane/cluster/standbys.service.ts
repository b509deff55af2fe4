import { setTimeout as wait } from 'node:timers/promises';
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { type Logger } from '../../platform/logging/logger.js';
import { Problem } from '../../platform/problems/problem.js';
import { type ControlPlaneConfig } from '../config.js';
import { CONFIG, LOGGER } from '../runtime/index.js';
import { countStandbys, lookAtCommits, maySeeStandbys } from './standbys.queries.js';

/** How old the count of standbys may be that lets a change through. */
const COUNT_MS = 1_000;
/** How often a change that takes long is looked at again, and how long such a look may take. */
const LOOK_MS = 1_000;

/** How old such a look may be: requests that take long at the same time share it. */
const SEEN_MS = 250;

type Commits = Awaited<ReturnType<typeof lookAtCommits>>;

/**
 * Synchronous standbys: how many must be attached before anything is changed, and how long a change waits for them. The
 * server replicates, as its operator has set it up; here promises are refused that it cannot keep.
 */
@Injectable()
export class Standbys implements OnApplicationBootstrap {
  private counted: { readonly endsAt: number; readonly attached: Promise<number> } | undefined;
  private seen: { readonly endsAt: number; readonly commits: Promise<Commits> } | undefined;
  /** Changes that go on although their callers have been told that they are not known to be there. */
  private stuck = 0;
  private caughtUp = 0;

  constructor(
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.cluster.requiredStandbys > 0) void this.warnOfBlindness();
  }

  /**
   * Runs a change. Throws before it begins while too few standbys are attached. Throws as well when a commit still waits
   * for them after the time that is set: whether the change will be there is then not known, and it goes on by itself.
   */
  async guard<T>(change: () => Promise<T>): Promise<T> {
    await this.check();
    const ended = new AbortController();
    const work = change().finally(() => ended.abort());
    const first = await Promise.race([work.then((answer) => ({ answer })), this.whenLate(ended.signal)]);
    if (!(first instanceof Problem)) return first.answer;
    this.stuck++;
    void work
      .catch((error: unknown) => this.logger.debug({ err: error }, 'A change failed that nobody waits for.'))
      .finally(() => this.stuck--);
    throw first;
  }

  private async check(): Promise<void> {
    const { requiredStandbys } = this.config.cluster;
    const attached = await this.attached();
    if (attached < requiredStandbys) {
      const detail = `insufficient peers: requires at least ${requiredStandbys} known peers, got ${attached}`;
      throw new Problem('insufficient-peers', detail, { retryAfterSeconds: 1 });
    }
    // Each keeps a connection until the standbys are back; reads need some as well.
    if (this.stuck >= Math.max(1, Math.floor(this.config.databasePoolSize / 2))) throw this.notMet();
  }

  private attached(): Promise<number> {
    if (this.counted !== undefined && performance.now() < this.counted.endsAt) return this.counted.attached;
    const attached = countStandbys(this.database);
    const counted = { endsAt: performance.now() + COUNT_MS, attached };
    this.counted = counted;
    attached.catch(() => {
      if (this.counted === counted) this.counted = undefined;
    });
    return attached;
  }

  /**
   * What is wrong once a commit has kept a change waiting for too long. Never, for one that has ended, or that waits for
   * something else: for work to claim, for instance.
   */
  private async whenLate(ended: AbortSignal): Promise<Problem> {
    for (let inMs = this.config.cluster.commitWaitMs; ; inMs = LOOK_MS) {
      await wait(inMs, undefined, { signal: ended }).catch(() => undefined);
      const isWaiting = ended.aborted ? false : await this.isCommitWaiting();
      if (ended.aborted) return new Promise(() => undefined);
      if (isWaiting) return this.notMet();
    }
  }

  private async isCommitWaiting(): Promise<boolean> {
    if (this.seen === undefined || performance.now() >= this.seen.endsAt) {
      this.seen = { endsAt: performance.now() + SEEN_MS, commits: this.look() };
    }
    const { isWaiting, caughtUp } = await this.seen.commits;
    this.caughtUp = caughtUp;
    return isWaiting;
  }

  private async look(): Promise<Commits> {
    // Every commit waits for a moment, those of others as well; and this one began later than its request.
    const forMs = this.config.cluster.commitWaitMs / 2;
    const look = lookAtCommits(this.database, forMs).catch(() => null);
    // A database that cannot be asked keeps no promise either.
    return (await Promise.race([look, wait(LOOK_MS, null)])) ?? { caughtUp: 0, isWaiting: true };
  }

  private notMet(): Problem {
    const { requiredStandbys } = this.config.cluster;
    const detail = `replication target not met: required ${requiredStandbys} peer acks, got ${Math.min(this.caughtUp, requiredStandbys)}`;
    return new Problem('replication-target-not-met', detail, { retryAfterSeconds: 1 });
  }

  private async warnOfBlindness(): Promise<void> {
    const allowed = await maySeeStandbys(this.database).catch(() => true);
    if (allowed) return;
    this.logger.warn(
      'SKYCLAW_MIN_REPLICATIONS asks for standbys, but the role of DATABASE_URL may not see them: grant it pg_read_all_stats.',
    );
  }
}
