import { type ClaimRequest, type Job } from '../../contracts/skyclaw.js';
import { type Logger } from '../../platform/logging/logger.js';
import { type Every, Loop } from '../../platform/loops/loop.js';
import { jobOfClaim, UnreadableAnswer } from '../coordinator/answers.js';
import { type CoordinatorClient, newKey } from '../coordinator/coordinator-client.js';
import { CoordinatorRefusal } from '../coordinator/coordinator-errors.js';
import { needsRegistration, type Registration } from '../coordinator/registration.js';
import { type HostIdentity } from '../state/host-identity.js';
import { type Completions } from './completions.js';
import { type JobRunner, type StopReason } from './job-runner.js';

/** The longest that a claim waits for work at the coordinator. */
const MOST_WAIT_MS = 20_000;

interface RunningJob {
  readonly job: Job;
  /** On the clock of `performance.now()`. */
  readonly begunAt: number;
  readonly abort: AbortController;
  readonly ended: Promise<void>;
}

export interface JobWorkerOptions {
  readonly client: CoordinatorClient;
  readonly registration: Registration;
  readonly identity: HostIdentity;
  readonly runner: JobRunner;
  readonly completions: Completions;
  readonly maxParallel: number;
  readonly pollMs: number;
  readonly logger: Logger;
  readonly every: Every;
}

/** Claims jobs as long as there is room for one more, and runs them. */
export class JobWorker extends Loop {
  private readonly jobs = new Map<string, RunningJob>();
  /** Of the claim that is not answered yet: what it was granted comes with the answer to the same key. */
  private claimKey = newKey();
  private claiming: { readonly abort: AbortController; readonly settled: Promise<unknown> } | undefined;

  constructor(private readonly options: JobWorkerOptions) {
    super({ name: 'claim jobs', intervalMs: options.pollMs, logger: options.logger }, options.every);
  }

  get jobIds(): readonly string[] {
    return [...this.jobs.keys()];
  }

  /** Ends jobs that this host no longer held when it asked; nothing is told of their end. */
  takeAway(jobIds: readonly string[], askedAt: number): void {
    for (const id of jobIds) {
      const running = this.jobs.get(id);
      if (running === undefined || running.begunAt > askedAt || running.abort.signal.aborted) continue;
      this.logger.info({ jobId: id }, 'The coordinator has taken a job away; ending it.');
      running.abort.abort('taken away' satisfies StopReason);
    }
  }

  /** Gives up the claim that is under way, and waits until it is known whether it has brought a job. */
  async cutClaim(): Promise<void> {
    this.claiming?.abort.abort();
    await this.claiming?.settled;
  }

  /** Waits until the jobs have ended, and ends those that take longer than `patienceMs`. */
  async finish(patienceMs: number): Promise<void> {
    const timer = setTimeout(() => {
      for (const { abort } of this.jobs.values()) abort.abort('shutting down' satisfies StopReason);
    }, patienceMs);
    await Promise.all([...this.jobs.values()].map(({ ended }) => ended));
    clearTimeout(timer);
  }

  protected override async runOnce(signal: AbortSignal): Promise<void> {
    while (this.options.registration.isRegistered && this.jobs.size < this.options.maxParallel) {
      if (signal.aborted || !(await this.claimOne(signal))) return;
    }
  }

  /** Gives whether there may be more. */
  private async claimOne(signal: AbortSignal): Promise<boolean> {
    const abort = new AbortController();
    const claim = this.claim(AbortSignal.any([signal, abort.signal]));
    this.claiming = { abort, settled: claim.catch(() => undefined) };
    try {
      return await claim;
    } catch (error) {
      // Cut off for a registration; the same key asks again afterwards.
      if (abort.signal.aborted) return false;
      if (!(error instanceof CoordinatorRefusal)) throw error;
      this.claimKey = newKey();
      if (!needsRegistration(error)) throw error;
      this.claiming = undefined;
      await this.options.registration.renew(signal);
      return false;
    } finally {
      this.claiming = undefined;
    }
  }

  private async claim(signal: AbortSignal): Promise<boolean> {
    const { client, identity, pollMs, completions } = this.options;
    const waitMs = Math.min(pollMs, MOST_WAIT_MS);
    const answer = await client.post(
      `/v1/hosts/${encodeURIComponent(identity.id)}/claim`,
      { wait_ms: waitMs } satisfies ClaimRequest,
      { key: this.claimKey, patienceMs: waitMs, signal },
    );
    this.claimKey = newKey();
    try {
      const job = jobOfClaim(answer);
      if (job !== undefined) await this.begin(job);
      return job !== undefined;
    } catch (error) {
      if (!(error instanceof UnreadableAnswer) || error.job === undefined) throw error;
      const { id, leaseToken } = error.job;
      completions.send(id, {
        hostId: identity.id,
        ...(leaseToken === undefined ? {} : { leaseToken }),
        success: false,
        exitCode: 1,
        durationMs: 0,
        error: error.message,
      });
      return true;
    }
  }

  private async begin(job: Job): Promise<void> {
    const before = this.jobs.get(job.id);
    if (before !== undefined) {
      if (before.job.leaseToken === job.leaseToken && before.job.attempts === job.attempts) return;
      // The lease of that attempt is lost, and its end would be refused.
      before.abort.abort('taken away' satisfies StopReason);
      await before.ended;
    }
    const abort = new AbortController();
    this.jobs.set(job.id, { job, begunAt: performance.now(), abort, ended: this.run(job, abort.signal) });
  }

  private async run(job: Job, signal: AbortSignal): Promise<void> {
    // Whoever begins a job sees it among the running ones first.
    await Promise.resolve();
    const { runner, completions, identity, logger } = this.options;
    const hostId = identity.id;
    logger.info({ jobId: job.id, attempt: job.attempts }, 'Running a job.');
    const end = await runner.run(job, hostId, signal);
    logger.info(
      { jobId: job.id, success: end.success, exitCode: end.exitCode, error: end.error },
      'A job has ended.',
    );
    this.jobs.delete(job.id);
    if (signal.reason !== 'taken away') {
      completions.send(job.id, {
        hostId,
        ...(job.leaseToken === undefined ? {} : { leaseToken: job.leaseToken }),
        ...end,
      });
    }
    this.nudge();
  }
}
