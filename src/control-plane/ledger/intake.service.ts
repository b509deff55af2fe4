import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Database, type Db, type Tx } from '../../platform/database/database.js';
import { isUniqueViolation } from '../../platform/database/errors.js';
import { type JsonObject } from '../../platform/database/row.js';
import { Wakeups } from '../../platform/database/wakeups.js';
import { Problem } from '../../platform/problems/problem.js';
import { type ControlPlaneConfig } from '../config.js';
import { CONFIG, TOPICS } from '../runtime/index.js';
import { requiredFiles } from './domain/file-path.js';
import { capabilitySet, distinctTexts } from './domain/text-lists.js';
import { type Delivery, type NewTask, type Task } from './domain/task.js';
import {
  findParents,
  insertTask,
  lockParents,
  markParents,
  type Parent,
  type Standing,
} from './queries/enqueue.queries.js';
import { isContended, lockProject, park, parkBehind } from './queries/file.queries.js';

/** A task as callers hand it in. */
export interface EnqueueRequest {
  readonly action: string;
  readonly params: JsonObject;
  /** Absent or empty: an id is made. */
  readonly id: string | null;
  readonly priority: number;
  readonly dependencies: readonly string[];
  readonly requiredFiles: readonly string[];
  readonly gatewayId: string | null;
  readonly gatewayStrict: boolean;
  readonly requiredCapabilities: readonly string[];
  readonly delivery: Delivery;
  readonly maxAttempts: number | null;
  readonly leaseSeconds: number | null;
}

const NO_PARENTS: Standing = { pending: 0, parentSeqs: [], failedParent: null };

/** The way into the ledger. */
@Injectable()
export class IntakeService {
  constructor(
    private readonly database: Database,
    private readonly wakeups: Wakeups,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
  ) {}

  /**
   * Accepts a task and returns it as it stands: ready, waiting, or failed at once when a dependency has failed already.
   * Refuses an id that is taken, a dependency on itself or on a task that is not there; nothing is written then.
   */
  async enqueue(db: Db, request: EnqueueRequest): Promise<Task> {
    const task = this.newTask(request);
    if (task.dependencies.includes(task.id)) {
      throw new Problem('task-depends-on-itself', 'Task cannot depend on itself.');
    }
    try {
      const stored =
        task.dependencies.length === 0 && !(await this.mustQueueForFiles(db, task))
          ? await insertTask(db, task, NO_PARENTS)
          : await this.enqueueWhole(db, task);
      if (stored.gate === 0) db.afterCommit(() => this.wakeups.publish(TOPICS.ready));
      return stored;
    } catch (error) {
      if (isUniqueViolation(error, 'tasks_id_key')) {
        throw new Problem('task-exists', `Task '${task.id}' already exists.`, { cause: error });
      }
      throw error;
    }
  }

  private newTask(request: EnqueueRequest): NewTask {
    const id = request.id?.trim() ?? '';
    const files = requiredFiles(request.requiredFiles);
    if (files.refused.length > 0) {
      throw new Problem('invalid-request', 'required_files: a path must stay inside of the project', {
        issues: files.refused.map((index) => ({
          type: 'value_error',
          loc: ['body', 'required_files', index],
          msg: 'Path must name a file inside of the project',
          input: request.requiredFiles[index],
        })),
      });
    }
    return {
      id: id === '' ? `task-${randomBytes(6).toString('hex')}` : id,
      projectId: 'default',
      kind: 'action',
      action: request.action,
      params: request.params,
      priority: request.priority,
      delivery: request.delivery,
      gatewayId: blankToNull(request.gatewayId),
      gatewayStrict: request.gatewayStrict && blankToNull(request.gatewayId) !== null,
      requiredCapabilities: capabilitySet(request.requiredCapabilities),
      dependencies: distinctTexts(request.dependencies),
      requiredFiles: files.names,
      filePaths: files.paths,
      maxAttempts: request.maxAttempts ?? this.config.ledger.maxAttempts,
      leaseSeconds: request.leaseSeconds ?? this.config.ledger.leaseSeconds,
      submittedBy: null,
    };
  }

  private async mustQueueForFiles(db: Db, task: NewTask): Promise<boolean> {
    return task.filePaths.length > 0 && (await isContended(db, task.projectId, task.filePaths));
  }

  private async enqueueWhole(db: Db, task: NewTask): Promise<Task> {
    const parents = await this.markedParents(db, task.dependencies);
    return db.transaction(async (tx) => {
      if (task.filePaths.length > 0) await lockProject(tx, task.projectId);
      const standing = standingOf(await lockParents(tx, parents), task.dependencies);
      const stored = await insertTask(tx, task, standing);
      if (stored.gate !== 0 || task.filePaths.length === 0) return stored;
      return (await this.queueForFiles(tx, stored)) ? { ...stored, gate: 2 } : stored;
    });
  }

  /** Parks a new task whose file somebody owns, or for which others of its lane already queue. */
  private async queueForFiles(tx: Tx, { seq }: Task): Promise<boolean> {
    return (await park(tx, [seq], false)).length > 0 || (await parkBehind(tx, seq));
  }

  /** The seqs of the dependencies, each marked as having dependents by a commit of its own. */
  private async markedParents(db: Db, ids: readonly string[]): Promise<number[]> {
    if (ids.length === 0) return [];
    const parents = await findParents(db, ids);
    refuseMissing(parents, ids);
    const unmarked = parents.filter((parent) => !parent.hasDependents);
    // Not on the caller's transaction: the mark must be there for all before the parents are looked at again.
    if (unmarked.length > 0) {
      await markParents(
        this.database,
        unmarked.map((parent) => parent.seq),
      );
    }
    return parents.map((parent) => parent.seq);
  }
}

function blankToNull(value: string | null): string | null {
  return value === null || value.trim() === '' ? null : value.trim();
}

function refuseMissing(parents: readonly Parent[], ids: readonly string[]): void {
  const found = new Set(parents.map((parent) => parent.id));
  const missing = ids.filter((id) => !found.has(id));
  if (missing.length > 0) {
    throw new Problem('dependencies-not-found', `Dependency tasks not found: ${missing.join(', ')}`);
  }
}

function standingOf(parents: readonly Parent[], ids: readonly string[]): Standing {
  refuseMissing(parents, ids);
  const byId = new Map(parents.map((parent) => [parent.id, parent]));
  const failed = ids.map((id) => byId.get(id)).find((parent) => parent?.status.startsWith('failed'));
  return {
    pending: parents.filter((parent) => parent.status !== 'succeeded').length,
    parentSeqs: parents.map((parent) => parent.seq),
    failedParent:
      failed === undefined
        ? null
        : { seq: failed.seq, error: `Dependency '${failed.id}' ended ${failed.status}.` },
  };
}
