import { isDeepStrictEqual } from 'node:util';
import { type Socket } from 'node:net';
import { Inject, Injectable } from '@nestjs/common';
import { type JobPayload } from '../../contracts/skyclaw.js';
import { Database, type Db } from '../../platform/database/database.js';
import { type JsonObject } from '../../platform/database/row.js';
import { timeOrderedUuid } from '../../platform/ids/time-ordered-uuid.js';
import { Wakeups } from '../../platform/database/wakeups.js';
import { Problem } from '../../platform/problems/problem.js';
import { type ControlPlaneConfig } from '../config.js';
import {
  capabilitySet,
  type ClaimProof,
  CoalescedLedger,
  EndingsService,
  HostJobs,
  type Job,
  LedgerMetrics,
  WaitingClaims,
} from '../ledger/index.js';
import { HostsRegistry, RegistryService, unknownHost } from '../registry/index.js';
import { CONFIG, TOPICS } from '../runtime/index.js';
import { cutOutput } from './domain/output.js';

/** A job as callers hand it in; its payload has been read. */
export interface NewJob {
  readonly payload: JobPayload;
  readonly requiredCapabilities: readonly string[];
  readonly submittedBy: string | null;
  /** Null or absent: `default`. */
  readonly projectId?: string | null;
  readonly priority: number;
  readonly dependencies: readonly string[];
  readonly ttlMs: number | null;
}

/** What a host reports of the end of a job. */
export interface Report {
  readonly jobId: string;
  readonly hostId: string;
  /** Null: the host does not say which attempt. */
  readonly leaseToken: string | null;
  readonly success: boolean;
  readonly durationMs: number;
  readonly exitCode: number | null;
  readonly stdout: string | null;
  readonly stderr: string | null;
  readonly error: string | null;
}

/** What hosts that say nothing else give a job that names no limit, in milliseconds. */
const DEFAULT_TIMEOUT_MS = 300_000;

/** Jobs: tasks that hosts pull. */
@Injectable()
export class JobsService {
  constructor(
    private readonly database: Database,
    private readonly wakeups: Wakeups,
    private readonly ledger: CoalescedLedger,
    private readonly waiting: WaitingClaims,
    private readonly endings: EndingsService,
    private readonly jobs: HostJobs,
    private readonly hosts: HostsRegistry,
    private readonly registry: RegistryService,
    private readonly metrics: LedgerMetrics,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
  ) {}

  /** Accepts a job. Throws for dependencies that are not there. */
  async submit(db: Db, job: NewJob): Promise<Job> {
    const { leaseMs, jobMaxAttempts, nodeId } = this.config.skyclaw;
    const { payload, ttlMs } = job;
    const task = await this.ledger.enqueue(db, {
      id: `job_${timeOrderedUuid()}`,
      kind: payload.kind,
      action: `job:${payload.kind}`,
      params: payload as unknown as JsonObject,
      priority: job.priority,
      dependencies: job.dependencies,
      requiredCapabilities: capabilitySet(job.requiredCapabilities),
      submittedBy: job.submittedBy,
      maxAttempts: jobMaxAttempts,
      leaseSeconds: Math.ceil(leaseMs / 1_000),
      ...{ projectId: job.projectId ?? null, requiredFiles: [], readFiles: [], files: [], ttlMs },
      ...{ gatewayId: null, gatewayStrict: false, delivery: 'any' as const },
    });
    if (ttlMs !== null) db.afterCommit(() => this.wakeups.publish(TOPICS.expiring));
    return { ...task, assignedHostId: null, ttlMs, updatedBy: nodeId };
  }

  find(id: string): Promise<Job | null> {
    return this.jobs.find(id);
  }

  /**
   * The next job for a host, leased to it and started; null when there is none within `waitMs`, when the host has no
   * room, or gets no new work. Throws for a host that is not registered.
   */
  async claim(db: Db, hostId: string, waitMs: number, connection: Socket): Promise<Job | null> {
    if (waitMs > 0) await this.hosts.get(db, hostId);
    this.registry.seen(hostId);
    const claimer = { holder: 'host', id: hostId } as const;
    const [task] = await this.waiting.claim(db, { claimer, max: 1, start: true, waitMs }, connection);
    if (task !== undefined) {
      return { ...task, assignedHostId: hostId, ttlMs: null, updatedBy: this.config.skyclaw.nodeId };
    }
    if ((await this.hosts.find(hostId, db)) === null) throw unknownHost(hostId);
    return null;
  }

  /** Whether a host still holds an attempt, by a lease that runs. */
  isHeld(db: Db, jobId: string, leaseToken: string): Promise<boolean> {
    return this.jobs.isHeld(db, { jobId, token: leaseToken });
  }

  /** Whether {@link claim} could find something now. Writes nothing. Throws for a host that is not registered. */
  async couldClaim(hostId: string): Promise<boolean> {
    if (await this.jobs.couldClaim(hostId)) return true;
    await this.hosts.get(this.database, hostId);
    return false;
  }

  /** Throws unless the host holds the job, with this attempt. */
  async requireAttempt(
    db: Db,
    {
      jobId,
      hostId,
      leaseToken,
      attempt,
    }: Pick<Report, 'jobId' | 'hostId' | 'leaseToken'> & { readonly attempt: number },
  ): Promise<void> {
    const job = await this.jobs.find(jobId, db);
    if (job !== null && holds(job, hostId, leaseToken) && job.attempts === attempt) return;
    if ((await this.hosts.find(hostId, db)) === null) throw unknownHost(hostId);
    throw notHeld(job ?? (await this.known(db, jobId)), hostId);
  }

  /** Lets the lease of one job begin anew, within its limit. Throws when the host does not hold it. */
  async renew(
    db: Db,
    { jobId, hostId, leaseToken }: Pick<Report, 'jobId' | 'hostId' | 'leaseToken'>,
  ): Promise<Job> {
    this.registry.seen(hostId);
    const host = await this.hosts.get(db, hostId);
    const job = await this.known(db, jobId);
    if (!holds(job, hostId, leaseToken)) throw notHeld(job, hostId);
    await this.jobs.renew(db, hostId, {
      jobIds: [jobId],
      defaultTimeoutMs: host.defaultTimeoutMs ?? DEFAULT_TIMEOUT_MS,
    });
    const renewed = await this.known(db, jobId);
    if (!holds(renewed, hostId, leaseToken)) throw notHeld(renewed, hostId);
    return renewed;
  }

  /**
   * The one result of a job. A host whose lease is over may still report as long as nobody else has the job, and may say
   * the same again; anything else throws and changes nothing.
   */
  async complete(db: Db, report: Report): Promise<Job> {
    const { jobId, hostId, leaseToken } = report;
    this.registry.seen(hostId);
    if (leaseToken !== null) {
      const ended = await this.end(db, report, leaseToken);
      if (ended !== null) return ended;
    }
    if ((await this.hosts.find(hostId, db)) === null) throw unknownHost(hostId);
    const job = await this.known(db, jobId);
    if (holds(job, hostId, leaseToken)) {
      const ended = await this.end(db, report, job.claimToken ?? '');
      if (ended !== null) return ended;
      // Between two looks it has gone to another.
      throw this.stale(await this.known(db, jobId), hostId);
    }
    const resumed = await this.jobs.resume(db, { jobId, hostId, token: leaseToken });
    if (resumed !== null) {
      const ended = await this.end(db, report, resumed);
      if (ended !== null) return ended;
    }
    if (job.assignedHostId === hostId && this.isSame(job, report)) return job;
    throw this.stale(job, hostId);
  }

  /** An operator, or whoever handed it in, ends a job. Throws when there is none, or it has ended. */
  async cancel(db: Db, id: string, reason: string): Promise<Job> {
    if ((await this.jobs.find(id, db)) === null) throw jobNotFound();
    await this.endings.cancel(db, id, reason.trim() === '' ? 'Job cancelled.' : reason);
    return this.known(db, id);
  }

  /** The job as it is after the report; null when the token does not hold it. */
  private async end(db: Db, report: Report, claimToken: string): Promise<Job | null> {
    const proof: ClaimProof = { taskId: report.jobId, workerId: report.hostId, claimToken };
    const { success, error } = report;
    const said = this.outcomeOf(report);
    const result = { finishedAt: new Date().toISOString(), ...said };
    const outcome = { success, result, error: error ?? '' };
    const short = success ? await this.ledger.completeJob(db, proof, outcome) : null;
    if (short !== null) return short;
    return (await this.ledger.complete(db, proof, outcome)) ? this.known(db, report.jobId) : null;
  }

  /** Counts a result that comes too late, and says why it is refused. */
  private stale(job: Job, hostId: string): Problem {
    this.metrics.reported('host', false);
    return notHeld(job, hostId);
  }

  private outcomeOf({ success, durationMs, exitCode, stdout, stderr }: Report): JsonObject {
    const { maxOutputBytes } = this.config.skyclaw;
    return {
      durationMs: Math.round(durationMs),
      exitCode: exitCode ?? (success ? 0 : 1),
      stdout: cutOutput(stdout ?? '', maxOutputBytes),
      stderr: cutOutput(stderr ?? '', maxOutputBytes),
    };
  }

  private isSame(job: Job, report: Report): boolean {
    const { finishedAt, ...said } = job.result;
    return (
      finishedAt !== undefined &&
      (job.status === 'succeeded') === report.success &&
      job.error === (report.error ?? '').slice(0, 2_000) &&
      isDeepStrictEqual(said, this.outcomeOf(report))
    );
  }

  private async known(db: Db, id: string): Promise<Job> {
    const job = await this.jobs.find(id, db);
    if (job === null) throw new Problem('job-not-found', `unknown job: ${id}`);
    return job;
  }
}

export function jobNotFound(): Problem {
  return new Problem('job-not-found', 'job not found');
}

function holds({ lockedBy, claimToken }: Job, hostId: string, leaseToken: string | null): boolean {
  return lockedBy === hostId && (leaseToken === null || leaseToken === claimToken);
}

/** Who has the job: of an earlier attempt of the holder the answer names the holder as well; of an ended job who ended it. */
function notHeld({ id, lockedBy, completedAt, assignedHostId }: Job, hostId: string): Problem {
  const holder = completedAt === null ? lockedBy : assignedHostId;
  return completedAt !== null && holder === hostId
    ? new Problem('job-not-held', `job ${id} is not leased`)
    : new Problem('job-not-held', `job ${id} is assigned to ${holder ?? 'nobody'}`);
}
