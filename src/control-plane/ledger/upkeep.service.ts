import { Inject, Injectable } from '@nestjs/common';
import { Database, type Tx } from '../../platform/database/database.js';
import { Wakeups } from '../../platform/database/wakeups.js';
import { type Logger } from '../../platform/logging/logger.js';
import { LOGGER, TOPICS } from '../runtime/index.js';
import { type ClaimProof } from './domain/task.js';
import { EndingsService } from './endings.service.js';
import { FileQueue } from './file-queue.service.js';
import { KeyQueue } from './key-queue.service.js';
import { findHeld, findProjectsWithWaiters, lockProject } from './queries/file.queries.js';
import { findKeysWithParked } from './queries/key.queries.js';
import {
  type ExpiredLease,
  findForgottenChildren,
  listExpiredLeases,
  lockExpired,
  msUntilNextDue,
  promoteDue,
  type Pruned,
  pruneTasks,
  repairForgotten,
} from './queries/upkeep.queries.js';

const BATCH = 500;

/** What the ledger needs from time to time. Every method may run in many replicas at once. */
@Injectable()
export class UpkeepService {
  constructor(
    private readonly database: Database,
    private readonly endings: EndingsService,
    private readonly files: FileQueue,
    private readonly keys: KeyQueue,
    private readonly wakeups: Wakeups,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Makes resting tasks runnable whose time has come. Returns the milliseconds until the next one, null when none rests.
   * Writes nothing when nothing is due.
   */
  async promoteDue(): Promise<number | null> {
    for (;;) {
      const inMs = await msUntilNextDue(this.database);
      if (inMs === null || inMs > 0) return inMs;
      const promoted = await promoteDue(this.database, BATCH);
      if (promoted > 0) this.wakeups.publish(TOPICS.ready);
      // What is due and was not promoted is being promoted by somebody else.
      if (promoted < BATCH) return msUntilNextDue(this.database);
    }
  }

  /** Leases that have run out, after a position. */
  listExpiredLeases(afterSeq: number, limit: number): Promise<ExpiredLease[]> {
    return listExpiredLeases(this.database, afterSeq, limit);
  }

  /** Releases the task of an expired lease; false when it was renewed or ended meanwhile. */
  releaseExpired(lease: ExpiredLease, reason: string): Promise<boolean> {
    return this.endExpired(lease, (proof, tx) =>
      this.endings.release(tx, proof, {
        reason,
        keepDispatchKey: lease.holder === 'dispatcher',
        leaseExpired: true,
      }),
    );
  }

  /** Ends the task of an expired lease as failed_timeout; false when it was renewed or ended meanwhile. */
  timeOutExpired(lease: ExpiredLease, reason: string, error?: string): Promise<boolean> {
    return this.endExpired(lease, (proof, tx) => this.endings.timeOut(tx, proof, reason, error));
  }

  /**
   * Looks for what must never be: waiters of a free path or key that nobody was told of, and tasks that wait for
   * dependencies which have all succeeded. Mends it, says so as an error, and returns how much there was.
   */
  async sweep(): Promise<number> {
    let mended = 0;
    for (const projectId of await findProjectsWithWaiters(this.database)) {
      if ((await this.files.overlooked(this.database, projectId)).length === 0) continue;
      const woken = await this.database.transaction(async (tx) => {
        await lockProject(tx, projectId);
        // The look was without the lock; under it all may be well.
        return this.files.wakeOverlooked(tx, projectId);
      });
      if (woken === 0) continue;
      mended += woken;
      this.logger.error(
        { projectId, tasks: woken },
        'Tasks waited for files that are free: a wake-up was lost.',
      );
    }
    mended += await this.sweepKeys();
    const forgotten = await findForgottenChildren(this.database, BATCH);
    const repaired =
      forgotten.length === 0
        ? 0
        : await repairForgotten(
            this.database,
            forgotten.map((task) => task.seq),
          );
    if (repaired > 0) {
      mended += repaired;
      this.logger.error(
        { tasks: forgotten.map((task) => task.id) },
        'Tasks waited for dependencies that are done.',
      );
    }
    if (mended > 0) this.wakeups.publish(TOPICS.ready);
    return mended;
  }

  private async sweepKeys(): Promise<number> {
    let mended = 0;
    for (const { projectId, keys } of await findKeysWithParked(this.database)) {
      if ((await this.keys.overlooked(this.database, projectId, keys)).length === 0) continue;
      const woken = await this.database.transaction(async (tx) => {
        await lockProject(tx, projectId);
        // The look was without the lock; under it all may be well.
        return this.keys.offer(tx, projectId, keys);
      });
      if (woken === 0) continue;
      mended += woken;
      this.logger.error(
        { projectId, tasks: woken },
        'Tasks waited for concurrency keys that are not full: a wake-up was lost.',
      );
    }
    return mended;
  }

  /** Deletes one batch of tasks that ended more than `days` ago; see {@link Pruned}. */
  prune(afterSeq: number, days: number): Promise<Pruned> {
    return pruneTasks(this.database, afterSeq, days, BATCH);
  }

  private endExpired(
    { seq, taskId, lockedBy, claimToken }: ExpiredLease,
    end: (proof: ClaimProof, tx: Tx) => Promise<boolean>,
  ): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      // The project's lock comes before the task's in the order of locks.
      const held = await findHeld(tx, taskId, claimToken);
      if (held === null) return false;
      await lockProject(tx, held.projectId);
      if (!(await lockExpired(tx, seq, claimToken))) return false;
      return end({ taskId, workerId: lockedBy, claimToken }, tx);
    });
  }
}
