import { Injectable } from '@nestjs/common';
import { type Db, type Tx } from '../../platform/database/database.js';
import { type JsonObject } from '../../platform/database/row.js';
import { Wakeups } from '../../platform/database/wakeups.js';
import { Problem } from '../../platform/problems/problem.js';
import { TOPICS } from '../runtime/index.js';
import { GATE } from './domain/gate.js';
import { type ClaimProof, type Task } from './domain/task.js';
import { type TaskStatus, verbs } from './domain/task-state.js';
import { DependentsService } from './dependents.service.js';
import { requeueAllDependents } from './queries/dependency.queries.js';
import { FileQueue } from './file-queue.service.js';
import { LedgerMetrics } from './ledger.metrics.js';
import { type Keyed, KeyQueue } from './key-queue.service.js';
import { lockProject } from './queries/file.queries.js';
import {
  type Claimed,
  type Ending,
  endShort,
  endWhole,
  findClaimed,
  type Success,
  succeedJobs,
  succeedShort,
  succeedWhole,
} from './queries/finish.queries.js';
import {
  cancel,
  expire,
  findTask,
  type Found,
  lockParentsOf,
  lockTask,
  retry,
} from './queries/operator.queries.js';
import { type Job } from './queries/job-row.js';
import { findTaskById } from './queries/read.queries.js';
import { dropUntold, holdTelling } from './queries/untold.queries.js';

/** Errors and reasons are cut to this many characters. */
const MAX_ERROR_LENGTH = 2_000;
const DEFAULT_RELEASE_MESSAGE = 'Task claim released.';

export interface Outcome {
  readonly success: boolean;
  readonly result: JsonObject;
  readonly error: string;
}

export interface Release {
  readonly reason: string;
  /** Seconds before the task may be claimed again. */
  readonly restSeconds?: number;
  /** The execution may still be going on: only dispatchers may claim the task, for the same gateway and key. */
  readonly keepDispatchKey?: boolean;
  readonly leaseExpired?: boolean;
}

/** The ways in which claims and tasks end, and how they begin anew. */
@Injectable()
export class EndingsService {
  constructor(
    private readonly wakeups: Wakeups,
    private readonly files: FileQueue,
    private readonly dependents: DependentsService,
    private readonly keys: KeyQueue,
    private readonly metrics: LedgerMetrics,
  ) {}

  /** The holder reports how the task ended: its one terminal result. False when the proof does not hold. */
  async complete(db: Db, proof: ClaimProof, { success, result, error }: Outcome): Promise<boolean> {
    if (!success) {
      const cut = error.slice(0, MAX_ERROR_LENGTH);
      return this.end(db, proof, { verb: 'fail', result, error: cut, message: 'Task failed.' });
    }
    const report = [this.successOf(proof, { result, error })];
    return (
      (await this.succeedShort(db, report)).has(proof.taskId) ||
      (await this.succeedWhole(db, report)).has(proof.taskId)
    );
  }

  /** What is recorded of a success. */
  successOf(proof: ClaimProof, { result, error }: Pick<Outcome, 'result' | 'error'>): Success {
    return { proof, result, error: error.slice(0, MAX_ERROR_LENGTH) };
  }

  /**
   * The same for the successes of many tasks, in one commit: those that have no holdings and no dependents. The ids of
   * those that ended; one that is missing is tried with {@link succeedWhole}. No two may be of the same task.
   */
  async succeedShort(db: Db, successes: readonly Success[]): Promise<{ has(taskId: string): boolean }> {
    const ended = await succeedShort(db, successes);
    this.note(db, 'succeeded', ended.values());
    return ended;
  }

  /** The same for jobs, which are returned as they are then. */
  async succeedJobs(db: Db, successes: readonly Success[]): Promise<ReadonlyMap<string, Job>> {
    const ended = await succeedJobs(db, successes);
    this.note(
      db,
      'succeeded',
      ended.map(({ runSeconds }) => runSeconds),
    );
    return new Map(ended.map(({ job }) => [job.id, job]));
  }

  /**
   * The same with all that hangs on the tasks: files and places of keys are handed to those who wait, dependents are
   * counted down. One commit a project for tasks with holdings, one for all without. The ids of those that ended.
   */
  async succeedWhole(db: Db, successes: readonly Success[]): Promise<ReadonlySet<string>> {
    const ended = new Set<string>();
    const byId = new Map(successes.map((success) => [success.proof.taskId, success]));
    const reportsOf = (tasks: readonly Claimed[]) => tasks.flatMap(({ id }) => byId.get(id) ?? []);
    const look = (of: readonly Success[]) =>
      findClaimed(
        db,
        of.map(({ proof }) => proof),
      );
    for (let claimed = await look(successes); claimed.length > 0;) {
      for (const group of groupsOf(claimed)) {
        const ids = await this.succeedTogether(db, reportsOf(group.tasks), group);
        for (const id of ids) ended.add(id);
      }
      // Left are those whose state does not allow it, and those that took their first file between look and end.
      const left = claimed.filter(({ id }) => !ended.has(id));
      if (left.length === 0) break;
      const before = new Map(left.map(({ id, hasHoldings }) => [id, hasHoldings]));
      claimed = (await look(reportsOf(left))).filter(({ id, hasHoldings }) => before.get(id) !== hasHoldings);
    }
    return ended;
  }

  private succeedTogether(
    db: Db,
    successes: readonly Success[],
    { projectId, hasHoldings }: Group,
  ): Promise<string[]> {
    return db.transaction(async (tx) => {
      if (hasHoldings) await lockProject(tx, projectId);
      const ended = await succeedWhole(tx, successes, hasHoldings);
      const seqs = ended.map(({ seq }) => seq);
      if (hasHoldings) {
        await this.files.free(tx, projectId, seqs);
        await this.keys.free(tx, projectId, ended);
      }
      const parents = ended.filter(({ hasDependents }) => hasDependents).map(({ seq }) => seq);
      if (parents.length > 0) await this.dependents.tellSuccess(tx, parents);
      this.note(
        tx,
        'succeeded',
        ended.map(({ runSeconds }) => runSeconds),
      );
      return ended.map(({ id }) => id);
    });
  }

  /** The claim ends without a result, and the task goes back to the ready ones. False when the proof does not hold. */
  release(db: Db, proof: ClaimProof, release: Release): Promise<boolean> {
    const reason = release.reason.trim().slice(0, MAX_ERROR_LENGTH);
    return this.end(db, proof, {
      verb: 'release',
      reason,
      message: reason === '' ? DEFAULT_RELEASE_MESSAGE : reason,
      restSeconds: release.restSeconds ?? 0,
      keepDispatchKey: release.keepDispatchKey ?? false,
      leaseExpired: release.leaseExpired ?? false,
    });
  }

  /** The holder gives the task up for good. False when the proof does not hold. */
  giveUp(db: Db, proof: ClaimProof, rawReason: string): Promise<boolean> {
    const reason = rawReason.trim().slice(0, MAX_ERROR_LENGTH);
    const message = reason === '' ? DEFAULT_RELEASE_MESSAGE : reason;
    return this.end(db, proof, { verb: 'fail', result: {}, error: reason, message });
  }

  /** The lease ran out for the last time. False when the proof does not hold. */
  timeOut(
    db: Db,
    proof: ClaimProof,
    reason: string,
    error = `failed_timeout: ${reason.slice(0, MAX_ERROR_LENGTH)}`,
  ): Promise<boolean> {
    const message = reason.slice(0, MAX_ERROR_LENGTH);
    return this.end(db, proof, { verb: 'timeOut', error, message });
  }

  /** A task that was not started in time fails. Does nothing when it has been started or has ended meanwhile. */
  async expire(db: Db, id: string): Promise<void> {
    await this.command(db, id, async (tx, task) => {
      if (!(await expire(tx, task.seq))) return;
      tx.afterCommit(() => this.metrics.ends.expired.inc());
      await this.letGo(tx, task, { freed: false });
      if (task.hasDependents) await this.dependents.tellFailure(tx, task.seq);
    });
  }

  /** An operator ends a task in whatever state it is; its holder's token is void from now on. Throws when it has ended. */
  async cancel(db: Db, id: string, reason: string): Promise<Task> {
    const message = reason.trim() === '' ? 'Task cancelled.' : reason.trim().slice(0, MAX_ERROR_LENGTH);
    return this.command(db, id, async (tx, task) => {
      if (!allows('cancel', task.status)) {
        throw new Problem('wrong-state', `Task '${id}' has ended ${task.status}; only retry can change it.`);
      }
      await cancel(tx, task.seq, message);
      tx.afterCommit(() => {
        this.wakeups.publish(TOPICS.cancelled);
        this.metrics.ends.cancelled.inc();
      });
      await this.letGo(tx, task, { freed: task.gate === GATE.held });
      if (task.hasDependents) await this.dependents.tellFailure(tx, task.seq);
    });
  }

  /**
   * An operator starts a failed task anew, with a new key and all of its attempts; dependents that failed because of it
   * wait again. Throws when it has not failed, or when one of its own dependencies has.
   */
  async retry(db: Db, id: string, reason: string): Promise<Task> {
    const message = reason.trim() === '' ? 'Task retried.' : reason.trim().slice(0, MAX_ERROR_LENGTH);
    const again = async (tx: Tx, task: Found) => {
      if (!allows('retry', task.status)) {
        throw new Problem(
          'wrong-state',
          `Task '${id}' is ${task.status}; only a failed task can be retried.`,
        );
      }
      const parents = await lockParentsOf(tx, task.seq);
      const failed = parents.find((parent) => parent.status.startsWith('failed'));
      if (failed !== undefined) {
        throw new Problem('wrong-state', `Dependency '${failed.id}' ended ${failed.status}. Retry it first.`);
      }
      const pending = parents.filter((parent) => parent.isPending).length;
      await retry(tx, task.seq, message, pending);
      tx.afterCommit(() => this.wakeups.publish(TOPICS.cancelled));
      if (task.hasDependents) {
        await dropUntold(tx, [task.seq]);
        await requeueAllDependents(tx, [task.seq]);
      }
      if (pending === 0) this.publish(tx);
    };
    return db.transaction(async (tx) => {
      await holdTelling(tx);
      return this.command(tx, id, again);
    });
  }

  private async end(db: Db, proof: ClaimProof, ending: Ending): Promise<boolean> {
    const runSeconds = await endShort(db, proof, ending);
    if (runSeconds !== null) {
      if (ending.verb === 'release') this.publish(db);
      this.noteEnd(db, ending, runSeconds);
      return true;
    }
    for (;;) {
      const [claimed] = await findClaimed(db, [proof]);
      if (claimed === undefined) return false;
      const ended = await db.transaction(async (tx) => {
        if (claimed.hasHoldings) await lockProject(tx, claimed.projectId);
        const task = await endWhole(tx, proof, ending, claimed.hasHoldings);
        if (task === null) return null;
        if (task.hasHoldings) await this.letGo(tx, task, { freed: true });
        if (ending.verb === 'release') this.publish(tx);
        else if (task.hasDependents) await this.dependents.tellFailure(tx, task.seq);
        this.noteEnd(tx, ending, task.runSeconds);
        return task;
      });
      if (ended !== null) return true;
      // Either the state does not allow the verb, or the task took its first file between the look and the end.
      const [now] = await findClaimed(db, [proof]);
      if (now === undefined || now.hasHoldings === claimed.hasHoldings) return false;
    }
  }

  /**
   * Frees a task's files, or takes it out of the queue for one, and hands what is free to those who wait; and so with its
   * key. One that holds no place of it may have been runnable, and then others of the key are woken in its stead.
   */
  private async letGo(
    tx: Tx,
    task: Keyed & { readonly projectId: string; readonly hasHoldings: boolean },
    { freed }: { readonly freed: boolean },
  ): Promise<void> {
    if (!task.hasHoldings) return;
    if (freed) await this.files.free(tx, task.projectId, [task.seq]);
    else await this.files.leave(tx, task.projectId, [task.seq]);
    await this.keys.free(tx, task.projectId, [task]);
  }

  /** Runs an operator's command on a locked task, in the order of locks, and returns the task as it is then. */
  private async command(db: Db, id: string, work: (tx: Tx, task: Found) => Promise<void>): Promise<Task> {
    return db.transaction(async (tx) => {
      const found = await findTask(tx, id);
      if (found === null) throw new Problem('task-not-found', 'Task not found');
      // Always: whether the task has holdings may change until its row is locked, and commands are rare.
      await lockProject(tx, found.projectId);
      const locked = await lockTask(tx, id);
      if (locked === null) throw new Problem('task-not-found', 'Task not found');
      await work(tx, locked);
      const task = await findTaskById(tx, id);
      if (task === null) throw new Error(`Task ${id} vanished while it was locked.`);
      return task;
    });
  }

  private noteEnd(db: Db, { verb }: Ending, runSeconds: number): void {
    if (verb === 'release') db.afterCommit(() => this.metrics.released.inc());
    else this.note(db, verb === 'fail' ? 'failed' : 'failed_timeout', [runSeconds]);
  }

  private note(db: Db, outcome: keyof LedgerMetrics['runs'], runSeconds: Iterable<number>): void {
    db.afterCommit(() => this.metrics.ended(outcome, runSeconds));
  }

  private publish(db: Db): void {
    db.afterCommit(() => this.wakeups.publish(TOPICS.ready));
  }
}

/** Claimed tasks that may end in one transaction, and what it must prepare. */
interface Group {
  readonly projectId: string;
  readonly hasHoldings: boolean;
  readonly tasks: Claimed[];
}

function groupsOf(claimed: readonly Claimed[]): Iterable<Group> {
  const groups = new Map<string, Group>();
  for (const task of claimed) {
    const { projectId, hasHoldings } = task;
    const key = hasHoldings ? projectId : '';
    const group = groups.get(key) ?? { projectId, hasHoldings, tasks: [] };
    groups.set(key, group);
    group.tasks.push(task);
  }
  return groups.values();
}

function allows(verb: 'cancel' | 'retry', status: TaskStatus): boolean {
  return (verbs[verb].from as readonly TaskStatus[]).includes(status);
}
