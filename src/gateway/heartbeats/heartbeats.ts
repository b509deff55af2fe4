import { setTimeout as wait } from 'node:timers/promises';
import { type Database } from '../../platform/database/database.js';
import { type Logger } from '../../platform/logging/logger.js';
import { everyInterval } from '../../platform/loops/interval-clock.js';
import { Loop } from '../../platform/loops/loop.js';
import { type HeartbeatsConfig } from './heartbeats.config.js';
import {
  addHeartbeats,
  claimDue,
  type Finish,
  finishJob,
  type HeldJob,
  listHeartbeats,
  releaseJob,
  renewHeld,
  type StoredHeartbeat,
} from './heartbeats.queries.js';
import { type Job } from './job.js';

const MOST_TEXT = 1_000;
const CLOSE_MS = 5_000;

/** A job as it is shown. */
export interface ShownHeartbeat extends StoredHeartbeat {
  readonly everyMs: number;
}

interface Run {
  readonly abort: AbortController;
  readonly ended: Promise<void>;
}

/**
 * Does the jobs that recur, each on one gateway at a time of all that share a database. Who does one holds it by a lease
 * that each look renews; when a gateway dies its lease runs out, and another does the job. A look waits for no job.
 */
export class Heartbeats extends Loop {
  private readonly runs = new Map<string, Run>();
  private gateway = '';
  private isKnown = false;

  constructor(
    private readonly jobs: readonly Job[],
    private readonly config: HeartbeatsConfig,
    private readonly database: Database,
    logger: Logger,
  ) {
    super({ name: 'heartbeats', intervalMs: config.lookEveryMs, logger }, everyInterval);
  }

  /** Does jobs from now on, under the name of this gateway. */
  beat(gateway: string): void {
    this.gateway = gateway;
    this.start();
  }

  /** Takes no more jobs, breaks off those under way and leaves them to others: of one that does not end the lease does. */
  async close(): Promise<void> {
    await this.stop();
    const runs = [...this.runs.values()];
    for (const { abort } of runs) abort.abort();
    const ended = Promise.all(runs.map((run) => run.ended));
    await Promise.race([ended, wait(CLOSE_MS, undefined, { ref: false })]);
  }

  async list(): Promise<ShownHeartbeat[]> {
    const periods = new Map(this.jobs.map(({ name, everyMs }) => [name, everyMs]));
    const stored = await listHeartbeats(this.database, this.names);
    return stored.map((entry) => ({ ...entry, everyMs: periods.get(entry.name) ?? 0 }));
  }

  /** Why a job failed when it was done last; null when it did not. */
  async failureOf(name: string): Promise<string | null> {
    const [entry] = await listHeartbeats(this.database, [name]);
    return entry?.outcome === 'failed' ? entry.message : null;
  }

  protected async runOnce(): Promise<void> {
    const { firstAfterMs, leaseMs } = this.config;
    if (!this.isKnown) await addHeartbeats(this.database, this.names, firstAfterMs);
    this.isKnown = true;
    await this.renew();
    for (const held of await claimDue(this.database, this.names, this.gateway, leaseMs)) this.begin(held);
  }

  private get names(): readonly string[] {
    return this.jobs.map(({ name }) => name);
  }

  private async renew(): Promise<void> {
    if (this.runs.size === 0) return;
    const kept = await renewHeld(this.database, [...this.runs.keys()], this.config.leaseMs);
    for (const [holder, { abort }] of this.runs) if (!kept.has(holder)) abort.abort();
  }

  private begin(held: HeldJob): void {
    const job = this.jobs.find(({ name }) => name === held.name);
    if (job === undefined) return;
    const abort = new AbortController();
    const ended = this.perform(job, held, abort.signal)
      .catch((error: unknown) => this.logger.warn({ err: error, job: job.name }, 'A job was not recorded.'))
      .finally(() => this.runs.delete(held.holder));
    this.runs.set(held.holder, { abort, ended });
  }

  private async perform(job: Job, held: HeldJob, signal: AbortSignal): Promise<void> {
    const finish = await this.finishOf(job, signal);
    if (signal.aborted) {
      await releaseJob(this.database, held);
      return;
    }
    await finishJob(this.database, held, finish);
  }

  private async finishOf(job: Job, signal: AbortSignal): Promise<Finish> {
    const { name, everyMs } = job;
    try {
      const { outcome, message } = await job.run(signal);
      return { outcome, message: message.slice(0, MOST_TEXT), nextAfterMs: everyMs };
    } catch (error) {
      const message = (error instanceof Error ? error.message : String(error)).slice(0, MOST_TEXT);
      if (!signal.aborted) this.logger.warn({ err: error, job: name }, 'A job failed; it is tried again.');
      return { outcome: 'failed', message, nextAfterMs: Math.min(everyMs, this.config.retryMs) };
    }
  }
}
