import { Injectable } from '@nestjs/common';
import { Coalescer } from '../../platform/coalescing/coalescer.js';
import { Database, type Db, type Tx } from '../../platform/database/database.js';
import { DatabaseUnavailableError } from '../../platform/database/errors.js';
import { EndingsService } from './endings.service.js';
import { readyExists } from './queries/candidates.queries.js';
import { countLiveLeases, dropHostSlots, hasRoom, setHostSlots } from './queries/host-slots.queries.js';
import { type Job } from './queries/job-row.js';
import {
  endedAmong,
  findJobs,
  goneAmong,
  isHeld,
  type HeldJob,
  type JobStanding,
  listExpired,
  listHeldBy,
  listHostsWithJobs,
  listJobs,
  msUntilNextExpiry,
  notHeldBy,
  renewOfHost,
  resumeJob,
} from './queries/job.queries.js';

const MAX_ROWS = 500;
const EXPIRY_BATCH = 100;

/** Jobs, and the hosts that hold them: what the ledger does for them beyond what it does for every task. */
@Injectable()
export class HostJobs {
  private readonly reads: Coalescer<string, Job | null>;

  constructor(
    private readonly database: Database,
    private readonly endings: EndingsService,
  ) {
    this.reads = new Coalescer({
      run: async (ids) => {
        const byId = new Map((await findJobs(this.database, [...new Set(ids)])).map((job) => [job.id, job]));
        return ids.map((id) => byId.get(id) ?? null);
      },
      ...{ maxWeight: MAX_ROWS, maxRuns: 1 },
      concernsAll: (error) => error instanceof DatabaseUnavailableError,
    });
  }

  /** A job as it stands; reads of one process that come together share a statement. */
  async find(id: string, db: Db = this.database): Promise<Job | null> {
    if (db === this.database) return this.reads.submit(id);
    return (await findJobs(db, [id]))[0] ?? null;
  }

  /** Those of `ids` that are jobs, in no order. */
  findAll(ids: readonly string[], db: Db = this.database): Promise<Job[]> {
    return findJobs(db, ids);
  }

  /** Jobs below a position, newest first; those of one project if one is named. */
  list(
    standing: JobStanding,
    beforeSeq: number,
    limit: number,
    projectId: string | null = null,
  ): Promise<Job[]> {
    return listJobs(this.database, standing, { beforeSeq, projectId }, limit);
  }

  /** How many tasks a host may hold, and whether it may be given any. */
  setSlots(
    tx: Tx,
    hostId: string,
    slots: { readonly maxParallel: number; readonly isOpen: boolean },
  ): Promise<void> {
    return setHostSlots(tx, hostId, slots);
  }

  dropSlots(hostIds: readonly string[]): Promise<void> {
    return dropHostSlots(this.database, hostIds);
  }

  /** Whether a claim of a host could find something. */
  async couldClaim(hostId: string): Promise<boolean> {
    const claimer = { holder: 'host', id: hostId } as const;
    return (await hasRoom(this.database, hostId)) && (await readyExists(this.database, claimer));
  }

  /** How many jobs each host holds whose lease has not run out. */
  liveLeases(hostIds: readonly string[], db: Db = this.database): Promise<ReadonlyMap<string, number>> {
    return countLiveLeases(db, hostIds);
  }

  /** See {@link renewOfHost}. */
  renew(
    db: Db,
    hostId: string,
    which: { readonly jobIds: readonly string[] | null; readonly defaultTimeoutMs: number },
  ): Promise<void> {
    return renewOfHost(db, hostId, which);
  }

  /** Whether an attempt holds a job, by a lease that runs. */
  isHeld(db: Db, attempt: { readonly jobId: string; readonly token: string }): Promise<boolean> {
    return isHeld(db, attempt);
  }

  /** Those of `jobIds` that a host does not hold any more. */
  notHeldBy(db: Db, hostId: string, jobIds: readonly string[]): Promise<string[]> {
    return jobIds.length === 0 ? Promise.resolve([]) : notHeldBy(db, hostId, jobIds);
  }

  /** Those of `jobIds` that have ended, or are not there. */
  endedAmong(jobIds: readonly string[]): Promise<string[]> {
    return jobIds.length === 0 ? Promise.resolve([]) : endedAmong(this.database, jobIds);
  }

  /** Those of `jobIds` that are not there any more. */
  goneAmong(jobIds: readonly string[]): Promise<string[]> {
    return jobIds.length === 0 ? Promise.resolve([]) : goneAmong(this.database, jobIds);
  }

  /** Hosts that hold jobs. */
  listHostsWithJobs(): Promise<string[]> {
    return listHostsWithJobs(this.database);
  }

  /**
   * Takes jobs back from a host that is lost or has forgotten them, but for those `kept`: they go to others, or fail when
   * they have used up their attempts. Returns how many.
   */
  async takeBack(
    db: Db,
    hostId: string,
    { reason, kept = [] }: { readonly reason: string; readonly kept?: readonly string[] },
  ): Promise<number> {
    let taken = 0;
    for (const job of await listHeldBy(db, hostId)) {
      if (kept.includes(job.id)) continue;
      if (await this.endAttempt(db, hostId, job, reason)) taken++;
    }
    return taken;
  }

  /** See {@link resumeJob}. */
  resume(
    db: Db,
    attempt: { readonly jobId: string; readonly hostId: string; readonly token: string | null },
  ): Promise<string | null> {
    return resumeJob(db, attempt);
  }

  /** Fails jobs that were not started in time; milliseconds until the next one, null when none has a limit. */
  async expire(): Promise<number | null> {
    for (;;) {
      const inMs = await msUntilNextExpiry(this.database);
      if (inMs === null || inMs > 0) return inMs;
      for (const id of await listExpired(this.database, EXPIRY_BATCH)) {
        await this.endings.expire(this.database, id);
      }
    }
  }

  private endAttempt(
    db: Db,
    workerId: string,
    { id, claimToken, attempts, maxAttempts }: HeldJob,
    reason: string,
  ): Promise<boolean> {
    const proof = { taskId: id, workerId, claimToken };
    return attempts < maxAttempts
      ? this.endings.release(db, proof, { reason, leaseExpired: true })
      : this.endings.timeOut(db, proof, reason, leaseExpiredAfter(attempts));
  }
}

/** What a job's error says when its attempts are used up. */
export function leaseExpiredAfter(attempts: number): string {
  return `lease expired after ${attempts} attempts`;
}
