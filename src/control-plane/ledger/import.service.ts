import { Inject, Injectable } from '@nestjs/common';
import { type Tx } from '../../platform/database/database.js';
import { Wakeups } from '../../platform/database/wakeups.js';
import { Problem } from '../../platform/problems/problem.js';
import { type ControlPlaneConfig } from '../config.js';
import { CONFIG, TOPICS } from '../runtime/index.js';
import { DependentsService } from './dependents.service.js';
import { type ForeignJob, parentsFirst, type StoredTask } from './domain/foreign-job.js';
import { failDependentsAmong } from './queries/dependency.queries.js';
import { findParents, lockParents, markParents, type Parent } from './queries/enqueue.queries.js';
import {
  addForeignJobs,
  type ForeignJobEntry,
  lockStoredTasks,
  replaceForeignJobs,
  type WrittenJob,
} from './queries/import.queries.js';

/** Jobs that one statement writes. */
const CHUNK = 500;

/** Jobs that come from another coordinator: written as they stood there, and jobs like all others from then on. */
@Injectable()
export class ImportService {
  constructor(
    private readonly wakeups: Wakeups,
    private readonly dependents: DependentsService,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
  ) {}

  /** Those of `ids` that are stored, of whatever kind, locked until the transaction ends. */
  standings(tx: Tx, ids: readonly string[]): Promise<StoredTask[]> {
    return lockStoredTasks(tx, ids);
  }

  /**
   * Writes jobs whose ids are free, oldest first, but each behind those that it waits for. What has ended keeps its end;
   * what has not is queued, and rests as long as the host that had it may still be at it. Throws when a job waits for
   * itself, or for one that is neither here nor stored. One whose id was taken meanwhile is missing from the answer.
   */
  async add(tx: Tx, jobs: readonly ForeignJob[]): Promise<WrittenJob[]> {
    const ordered = parentsFirst([...jobs].sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1)));
    if (!ordered.ok) throw new Problem('bad-request', circle(ordered.ids));
    const parents = await this.parentsOutside(tx, jobs);
    const inside = new Map(jobs.map((job) => [job.id, job]));
    const awaited = new Set(ordered.jobs.flatMap(awaitedBy));
    const written = new Map<string, WrittenJob>();
    for (let at = 0; at < ordered.jobs.length; at += CHUNK) {
      const chunk = ordered.jobs.slice(at, at + CHUNK);
      const entries = chunk.map((job) => {
        const waitsFor = awaitedBy(job);
        const seqOf = (id: string) => written.get(id)?.seq ?? parents.get(id)?.seq;
        const statusOf = (id: string) => inside.get(id)?.status ?? parents.get(id)?.status;
        return {
          ...this.entryOf(job),
          pending: waitsFor.filter((id) => statusOf(id) !== 'succeeded').length,
          parentSeqs: waitsFor.flatMap((id) => seqOf(id) ?? []),
          parentIds: waitsFor.filter((id) => seqOf(id) === undefined),
          hasDependents: awaited.has(job.id),
        };
      });
      for (const job of await addForeignJobs(tx, entries, this.config.skyclaw.leaseMs)) {
        written.set(job.id, job);
      }
    }
    await this.failWhatCannotBe(tx, [...written.values()], inside, parents);
    this.announce(tx);
    return [...written.values()];
  }

  /**
   * Writes jobs over those that {@link standings} has locked, but for their dependencies. One that is held, has ended, or
   * whose dependents have heard of another end is left alone and missing from the answer.
   */
  async replace(tx: Tx, jobs: readonly ForeignJob[]): Promise<WrittenJob[]> {
    const statuses = new Map(jobs.map(({ id, status }) => [id, status]));
    const written: WrittenJob[] = [];
    for (let at = 0; at < jobs.length; at += CHUNK) {
      const entries = jobs.slice(at, at + CHUNK).map((job) => this.entryOf(job));
      const replaced = await replaceForeignJobs(tx, entries, this.config.skyclaw.leaseMs);
      written.push(...replaced);
      const ended = replaced.filter(({ hasJustEnded }) => hasJustEnded);
      const seqsOf = (status: string) =>
        ended.filter(({ id }) => statuses.get(id) === status).map(({ seq }) => seq);
      const succeeded = seqsOf('succeeded');
      if (succeeded.length > 0) await this.dependents.tellSuccess(tx, succeeded);
      for (const seq of seqsOf('failed')) await this.dependents.tellFailure(tx, seq);
    }
    this.announce(tx);
    return written;
  }

  /** The stored tasks that jobs wait for and that do not come with them, marked and held still. */
  private async parentsOutside(tx: Tx, jobs: readonly ForeignJob[]): Promise<ReadonlyMap<string, Parent>> {
    const inside = new Set(jobs.map(({ id }) => id));
    const ids = [...new Set(jobs.flatMap(awaitedBy))].filter((id) => !inside.has(id));
    if (ids.length === 0) return new Map();
    const seqs = (await findParents(tx, ids)).map(({ seq }) => seq);
    // The mark locks their rows, so no end can go the short way between it and the look at their states.
    await markParents(tx, seqs);
    const parents = new Map((await lockParents(tx, seqs)).map((parent) => [parent.id, parent]));
    for (const job of jobs) {
      const missing = awaitedBy(job).find((id) => !inside.has(id) && !parents.has(id));
      if (missing === undefined) continue;
      const detail = `job ${job.id} waits for ${missing}, which is neither in the snapshot nor here`;
      throw new Problem('bad-request', detail);
    }
    return parents;
  }

  /** Jobs that wait for what has failed already fail with it, as they would have when handed in here. */
  private async failWhatCannotBe(
    tx: Tx,
    written: readonly WrittenJob[],
    inside: ReadonlyMap<string, ForeignJob>,
    outside: ReadonlyMap<string, Parent>,
  ): Promise<void> {
    const failed = [
      ...written.filter(({ id }) => inside.get(id)?.status === 'failed'),
      ...[...outside.values()].filter(({ status }) => status.startsWith('failed')),
    ];
    const waiting = written.filter(({ id }) => awaitedBy(inside.get(id)).length > 0);
    if (failed.length === 0 || waiting.length === 0) return;
    await failDependentsAmong(
      tx,
      failed.map(({ seq }) => seq),
      waiting.map(({ seq }) => seq),
    );
  }

  private entryOf(job: ForeignJob): ForeignJobEntry {
    const { leaseMs, jobMaxAttempts } = this.config.skyclaw;
    return {
      job,
      maxAttempts: jobMaxAttempts,
      leaseSeconds: Math.ceil(leaseMs / 1_000),
      headStartSeconds: job.priority * this.config.ledger.priorityAgeingSeconds,
      ...{ pending: 0, parentSeqs: [], parentIds: [], hasDependents: false },
    };
  }

  private announce(tx: Tx): void {
    tx.afterCommit(() => {
      for (const topic of [TOPICS.ready, TOPICS.due, TOPICS.expiring]) this.wakeups.publish(topic);
    });
  }
}

/** What a job still waits for: nothing when it has ended. */
function awaitedBy(job: ForeignJob | undefined): readonly string[] {
  return job?.status === 'queued' ? job.dependencies : [];
}

function circle(ids: readonly string[]): string {
  return `jobs wait for each other: ${[...ids, ...ids.slice(0, 1)].join(' → ')}`.slice(0, 1_000);
}
