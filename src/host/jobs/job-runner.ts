import { randomUUID } from 'node:crypto';
import { type CompleteJobRequest, type Job } from '../../contracts/skyclaw.js';
import { type Logger } from '../../platform/logging/logger.js';
import { type CoordinatorClient } from '../coordinator/coordinator-client.js';
import { isRefusal, type JobPlan, type JobRules, planJob } from '../domain/job-plan.js';
import { type Cage, CannotRun, type Isolation } from '../isolation/isolation.js';
import { LogShipper, type ShippingSwitch } from '../output/log-shipper.js';
import { runCommand, type RunOutcome } from '../runner/run-command.js';
import { type RunRecord, type RunRecords } from '../state/run-records.js';

/** How long the end of a job waits for the rest of its output to be shipped. */
const LAST_SHIPMENT_MS = 400;

/** Why a job is ended before its time. */
export type StopReason = 'taken away' | 'shutting down';

/** What is told of a job's end. */
export type JobEnd = Omit<CompleteJobRequest, 'hostId' | 'leaseToken'>;

export interface JobRunnerOptions {
  readonly rules: JobRules;
  readonly maxOutputBytes: number;
  readonly isolation: Isolation;
  readonly records: RunRecords;
  readonly client: CoordinatorClient;
  readonly shipping: ShippingSwitch;
  readonly logger: Logger;
}

/** Runs jobs by the rules of this host. */
export class JobRunner {
  constructor(private readonly options: JobRunnerOptions) {}

  /** Runs a job to its end, which is never an exception. The reason of `signal` is a {@link StopReason}. */
  async run(job: Job, hostId: string, signal: AbortSignal): Promise<JobEnd> {
    const plan = planJob(job, this.options.rules);
    if (isRefusal(plan)) return notRun(plan.exitCode, plan.error);
    const runId = randomUUID();
    try {
      const cage = await this.options.isolation.cage({
        ...plan,
        runId,
        kind: 'job',
        id: job.id,
      });
      return await this.runIn(cage, { runId, job, plan, hostId, signal });
    } catch (error) {
      if (error instanceof CannotRun) return notRun(1, error.message);
      this.options.logger.error({ err: error, jobId: job.id }, 'A job could not be run.');
      return notRun(
        1,
        `The host could not run the job: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  private async runIn(
    cage: Cage,
    run: { runId: string; job: Job; plan: JobPlan; hostId: string; signal: AbortSignal },
  ): Promise<JobEnd> {
    const { runId, job, plan, hostId, signal } = run;
    const { records, client, shipping, logger, maxOutputBytes } = this.options;
    const note: RunRecord = {
      runId,
      kind: 'job',
      id: job.id,
      ...(cage.container === undefined ? {} : { container: cage.container }),
    };
    records.create(note);
    const shipper = new LogShipper(
      {
        path: `/v1/jobs/${encodeURIComponent(job.id)}/logs`,
        as: {
          hostId,
          attempt: job.attempts,
          ...(job.leaseToken === undefined ? {} : { leaseToken: job.leaseToken }),
        },
      },
      { client, shipping, logger },
    );
    const outcome = await runCommand(cage, {
      limitMs: plan.limitMs,
      maxOutputBytes,
      signal,
      onStart: (process) => records.update({ ...note, process }),
      onOutput: (stream, chunk) => shipper.add(stream, chunk),
    });
    void outcome.cleared.then(() => records.remove(runId));
    await shipper.finish(LAST_SHIPMENT_MS);
    return {
      ...verdict(outcome, plan.limitMs, cage),
      durationMs: outcome.durationMs,
      stdout: outcome.stdout,
      stderr: outcome.stderr,
    };
  }
}

/** What an outcome means for the job. */
function verdict(
  { end }: RunOutcome,
  limitMs: number,
  cage: Cage,
): Pick<JobEnd, 'success' | 'exitCode' | 'error'> {
  switch (end.kind) {
    case 'timed-out':
      return { success: false, exitCode: 1, error: `timed out after ${limitMs}ms` };
    case 'stopped':
      return { success: false, exitCode: 1, error: 'host is shutting down' };
    case 'not-started':
      return { success: false, exitCode: 1, error: end.message };
    case 'gone':
      return { success: false, exitCode: 1, error: 'the process ended unwatched' };
    case 'exit':
      return end.code === null
        ? { success: false, exitCode: 1, error: `ended by ${String(end.signal)}` }
        : { success: end.code === 0, exitCode: end.code, ...explained(cage.explain?.(end.code)) };
  }
}

const explained = (error: string | undefined) => (error === undefined ? {} : { error });

const notRun = (exitCode: number, error: string): JobEnd => ({
  success: false,
  exitCode,
  durationMs: 0,
  stdout: '',
  stderr: '',
  error,
});
