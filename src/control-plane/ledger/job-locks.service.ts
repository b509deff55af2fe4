import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import {
  acquireJobLock,
  deleteExpiredJobLocks,
  extendJobLock,
  findJobLockOwner,
  releaseJobLock,
} from './queries/job-lock.queries.js';

const DEFAULT_TTL_SECONDS = 300;

/** Mutual exclusion between replicas for named jobs, by rows that expire on the database's clock. */
@Injectable()
export class JobLocksService {
  constructor(private readonly database: Database) {}

  /** Takes the lock if nobody holds it. Not re-entrant: its own owner is refused as well until it expires. */
  acquire(job: string, worker: string, ttlSeconds = DEFAULT_TTL_SECONDS): Promise<boolean> {
    return acquireJobLock(this.database, job, worker, ttlSeconds);
  }

  /** Gives the lock back; false when `worker` does not hold it. */
  release(job: string, worker: string): Promise<boolean> {
    return releaseJobLock(this.database, job, worker);
  }

  /** Adds to the present expiry; false when `worker` does not hold the lock or it has expired. */
  extend(job: string, worker: string, seconds: number): Promise<boolean> {
    return extendJobLock(this.database, job, worker, seconds);
  }

  /** Deletes expired locks and returns how many there were. */
  cleanup(): Promise<number> {
    return deleteExpiredJobLocks(this.database);
  }

  async isLocked(job: string): Promise<boolean> {
    return (await this.getLockOwner(job)) !== null;
  }

  getLockOwner(job: string): Promise<string | null> {
    return findJobLockOwner(this.database, job);
  }
}
