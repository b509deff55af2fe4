import { capabilitiesFor } from '../../contracts/actions.js';
import { taskIds } from './task-ids.js';
import { Inject, Injectable } from '@nestjs/common';
import { Database, type Db, type Tx } from '../../platform/database/database.js';
import { type Instant, type JsonObject } from '../../platform/database/row.js';
import { Wakeups } from '../../platform/database/wakeups.js';
import { type TraceContext } from '../../platform/tracing/domain/trace-context.js';
import { Problem } from '../../platform/problems/problem.js';
import { type ControlPlaneConfig } from '../config.js';
import { CONFIG, TOPICS } from '../runtime/index.js';
import { type Concurrency } from './domain/concurrency.js';
import { type FileMode, type RefusedFile, wantedFiles } from './domain/wanted-files.js';
import { FileQueue } from './file-queue.service.js';
import { hasHoldings } from './domain/admission.js';
import { KeyQueue } from './key-queue.service.js';
import { LedgerMetrics } from './ledger.metrics.js';
import { findCandidates } from './queries/candidates.queries.js';
import { GATE } from './domain/gate.js';
import { type GraphFault, orderGraph } from './domain/task-graph.js';
import { blankToNull, capabilitySet, distinctTexts, projectOf } from './domain/text-lists.js';
import { type Delivery, type NewTask, type Task } from './domain/task.js';
import { type TaskStatus } from './domain/task-state.js';
import { failDependentsAmong } from './queries/dependency.queries.js';
import {
  findParents,
  type Inserted,
  insertAlone,
  insertGraph,
  lockParents,
  markParents,
  type Parent,
  type Standing,
} from './queries/enqueue.queries.js';
import { findTasksBySeq } from './queries/read.queries.js';
import { lockProject } from './queries/file.queries.js';

/** A task as callers hand it in. */
export interface EnqueueRequest {
  readonly action: string;
  readonly params: JsonObject;
  /** Absent or empty: an id is made. */
  readonly id: string | null;
  readonly priority: number;
  readonly dependencies: readonly string[];
  readonly projectId: string | null;
  readonly requiredFiles: readonly string[];
  readonly readFiles: readonly string[];
  readonly files: readonly { readonly path: string; readonly mode: FileMode }[];
  readonly gatewayId: string | null;
  readonly gatewayStrict: boolean;
  readonly requiredCapabilities: readonly string[];
  readonly delivery: Delivery;
  readonly maxAttempts: number | null;
  readonly leaseSeconds: number | null;
  /** Absent or blank: none. */
  readonly concurrencyKey?: string | null;
  /** Tasks of the key at once; absent: 1. Only with a key. */
  readonly concurrencyLimit?: number | null;
  /** Absent or past: at once. */
  readonly runAt?: Instant | null;
  readonly submittedBy?: string | null;
  /** Absent: action. */
  readonly kind?: string;
  readonly ttlMs?: number | null;
  /** The trace that it belongs to; absent: none. */
  readonly trace?: TraceContext | null;
}

/** The way into the ledger. */
@Injectable()
export class IntakeService {
  constructor(
    private readonly database: Database,
    private readonly wakeups: Wakeups,
    private readonly files: FileQueue,
    private readonly keys: KeyQueue,
    private readonly metrics: LedgerMetrics,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
  ) {}

  /**
   * Accepts a task and returns it as it stands: ready, waiting, or failed at once when a dependency has failed already.
   * Refuses an id that is taken, a dependency on itself or on a task that is not there; nothing is written then.
   */
  async enqueue(db: Db, request: EnqueueRequest): Promise<Task> {
    const task = this.newTask(request);
    const [stored] = (await this.standsAlone(db, task))
      ? await this.insertAlone(db, [task])
      : await this.enqueueGraph(db, [task], (tx, entered) =>
          findTasksBySeq(
            tx,
            entered.map(({ seq }) => seq),
          ),
        );
    return stored ?? refuseTaken(task.id);
  }

  /** Accepts tasks that may name each other as dependencies, all or none; where each stands, in the given order. */
  async enqueueTogether(db: Db, requests: readonly EnqueueRequest[]): Promise<Entered[]> {
    const tasks = requests.map((request, index) => this.newTask(request, ['tasks', index]));
    const ordered = orderGraph(tasks);
    if (!ordered.ok) throw problemOf(ordered.fault);
    const entered = await this.enqueueGraph(db, ordered.tasks, (_, all) => Promise.resolve(all));
    const byId = new Map(entered.map((task) => [task.id, task]));
    return tasks.flatMap(({ id }) => byId.get(id) ?? []);
  }

  /** The task that a request makes, in its normal form. Throws what is wrong with it. */
  newTask(request: EnqueueRequest, place: readonly (string | number)[] = []): NewTask {
    const id = request.id?.trim() ?? '';
    const { files, refused } = wantedFiles(request);
    if (refused.length > 0) throw refusedFiles(refused, place);
    const task: NewTask = {
      id: id === '' ? taskIds.next() : id,
      projectId: projectOf(request.projectId),
      kind: request.kind ?? 'action',
      action: request.action,
      params: request.params,
      priority: request.priority,
      headStartSeconds: request.priority * this.config.ledger.priorityAgeingSeconds,
      delivery: request.delivery,
      gatewayId: blankToNull(request.gatewayId),
      gatewayStrict: request.gatewayStrict && blankToNull(request.gatewayId) !== null,
      requiredCapabilities: capabilitySet([
        ...request.requiredCapabilities,
        ...capabilitiesFor(request.action),
      ]),
      dependencies: distinctTexts(request.dependencies),
      files,
      concurrency: concurrencyOf(request, place),
      maxAttempts: request.maxAttempts ?? this.config.ledger.maxAttempts,
      leaseSeconds: request.leaseSeconds ?? this.config.ledger.leaseSeconds,
      submittedBy: request.submittedBy ?? null,
      runAt: request.runAt ?? null,
      ttlMs: request.ttlMs ?? null,
      trace: request.trace ?? null,
    };
    if (task.dependencies.includes(task.id)) throw problemOf({ kind: 'itself', id: task.id });
    return task;
  }

  /** Whether a task can be written without a look at others: nothing comes before it, and nobody has its files. */
  async standsAlone(db: Db, task: NewTask): Promise<boolean> {
    if (task.dependencies.length > 0) return false;
    return task.files.length === 0 || !(await this.files.isContended(db, task.projectId, task.files));
  }

  /** Writes tasks that stand alone, in one commit. Null in the place of one whose id is taken. */
  async insertAlone(db: Db, tasks: readonly NewTask[]): Promise<(Task | null)[]> {
    const inserted = new Map(await insertAlone(db, tasks));
    const stored = tasks.map((task) => {
      const row = inserted.get(task.id);
      // Of two with one id the first was written; the second must not be told that it was.
      inserted.delete(task.id);
      return row === undefined ? null : asEnqueued(task, row);
    });
    this.announce(db, stored);
    return stored;
  }

  /**
   * Writes tasks with all that hangs on them, in one transaction, and looks at them by `view` before it ends. Parents stand
   * before their children.
   */
  private async enqueueGraph<View>(
    db: Db,
    tasks: readonly NewTask[],
    view: (tx: Tx, entered: readonly Entered[]) => Promise<readonly View[]>,
  ): Promise<readonly View[]> {
    const inside = new Map<string, string[]>(tasks.map(({ id }) => [id, []]));
    for (const { id, dependencies } of tasks) for (const parent of dependencies) inside.get(parent)?.push(id);
    const outside = distinctTexts(tasks.flatMap((task) => task.dependencies.filter((id) => !inside.has(id))));
    const marked = await this.markedParents(db, outside);
    const withHoldings = tasks.filter(hasHoldings);
    return db.transaction(async (tx) => {
      for (const projectId of [...new Set(withHoldings.map((task) => task.projectId))].sort()) {
        await lockProject(tx, projectId);
      }
      const parents = outside.length === 0 ? [] : await lockParents(tx, marked);
      refuseMissing(parents, outside);
      const byId = new Map(parents.map((parent) => [parent.id, parent]));
      const entries = tasks.map((task) => ({ task, standing: standingOf(task, byId, inside) }));
      const inserted = await insertGraph(tx, entries);
      const entered = entries.map(({ task: { id }, standing: { pending } }) =>
        enteredAs(id, inserted.get(id) ?? refuseTaken(id), pending),
      );
      const failed = parents.filter((parent) => parent.status.startsWith('failed'));
      if (failed.length > 0) {
        await failDependentsAmong(
          tx,
          failed.map(({ seq }) => seq),
          entered.map(({ seq }) => seq),
        );
      }
      await this.parkNew(tx, withHoldings, entered);
      this.announce(tx, entered);
      return view(tx, failed.length > 0 ? await this.reread(tx, entered) : entered);
    });
  }

  /** Counts new tasks, and wakes those who look for ready tasks, and those who wait for the time of others. */
  private announce(db: Db, tasks: readonly (Pick<Entered, 'gate'> | null)[]): void {
    const created = tasks.reduce((sum, task) => sum + (task === null ? 0 : 1), 0);
    if (created > 0) db.afterCommit(() => this.metrics.created.inc(created));
    const topicOf: Partial<Record<number, string>> = {
      [GATE.runnable]: TOPICS.ready,
      [GATE.waitsForTime]: TOPICS.due,
    };
    for (const topic of new Set(tasks.map((task) => topicOf[task?.gate ?? -1]))) {
      if (topic !== undefined) db.afterCommit(() => this.wakeups.publish(topic));
    }
  }

  /**
   * Parks new tasks whose files somebody owns, or for which others of their lane wait ahead of them, and those for whom
   * their keys have no place.
   */
  private async parkNew(tx: Tx, tasks: readonly NewTask[], entered: readonly Entered[]): Promise<void> {
    const ready = new Map(
      entered.filter(({ gate }) => gate === GATE.runnable).map(({ id, seq }) => [id, seq]),
    );
    const byProject = new Map<string, number[]>();
    for (const { id, projectId } of tasks) {
      const seq = ready.get(id);
      if (seq === undefined) continue;
      const ofProject = byProject.get(projectId);
      if (ofProject === undefined) byProject.set(projectId, [seq]);
      else ofProject.push(seq);
    }
    for (const [projectId, ofProject] of byProject) {
      const others = await this.files.parkNew(tx, projectId, await findCandidates(tx, ofProject));
      await this.keys.parkNew(tx, projectId, others);
    }
  }

  private async reread(tx: Tx, tasks: readonly Entered[]): Promise<Entered[]> {
    const seqs = tasks.map(({ seq }) => seq);
    const bySeq = new Map((await findTasksBySeq(tx, seqs)).map((task) => [task.seq, task]));
    return seqs.flatMap((seq) => bySeq.get(seq) ?? []);
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

function refuseMissing(parents: readonly Parent[], ids: readonly string[]): void {
  const found = new Set(parents.map((parent) => parent.id));
  const missing = ids.filter((id) => !found.has(id));
  if (missing.length > 0) {
    throw new Problem('dependencies-not-found', `Dependency tasks not found: ${missing.join(', ')}`);
  }
}

export function refuseTaken(id: string): never {
  taskIds.isTaken(id);
  throw new Problem('task-exists', `Task '${id}' already exists.`);
}

function problemOf(fault: GraphFault): Problem {
  switch (fault.kind) {
    case 'twice':
      return new Problem('task-exists', `Task '${fault.id}' is in the batch twice.`);
    case 'itself':
      return new Problem('task-depends-on-itself', 'Task cannot depend on itself.');
    case 'cycle':
      return new Problem(
        'dependency-cycle',
        `Tasks wait for each other: ${[...fault.ids, ...fault.ids.slice(0, 1)].map((id) => `'${id}'`).join(' → ')}.`,
      );
  }
}

function refusedFiles(refused: readonly RefusedFile[], place: readonly (string | number)[]): Problem {
  const [first] = refused;
  return new Problem('invalid-request', `${first?.place.join('.') ?? 'files'}: ${first?.detail ?? ''}`, {
    issues: refused.map((file) => ({
      type: 'value_error',
      loc: ['body', ...place, ...file.place],
      msg: file.detail,
      input: file.input,
    })),
  });
}

function concurrencyOf(
  { concurrencyKey = null, concurrencyLimit = null }: EnqueueRequest,
  place: readonly (string | number)[],
): Concurrency | null {
  const key = blankToNull(concurrencyKey);
  if (key !== null) return { key, limit: concurrencyLimit ?? 1 };
  if (concurrencyLimit === null) return null;
  const detail = 'a limit needs a concurrency_key whose tasks it is for';
  throw new Problem('invalid-request', `concurrency_limit: ${detail}`, {
    issues: [
      {
        type: 'value_error',
        loc: ['body', ...place, 'concurrency_limit'],
        msg: detail,
        input: concurrencyLimit,
      },
    ],
  });
}

/** Where a new task stands between those that are there already and those that are written with it. */
function standingOf(
  { id, dependencies }: NewTask,
  outside: ReadonlyMap<string, Parent>,
  inside: ReadonlyMap<string, readonly string[]>,
): Standing {
  const parents = dependencies.flatMap((parent) => outside.get(parent) ?? []);
  const parentIds = dependencies.filter((parent) => inside.has(parent));
  return {
    pending: parentIds.length + parents.filter((parent) => parent.status !== 'succeeded').length,
    parentSeqs: parents.map((parent) => parent.seq),
    parentIds,
    hasDependents: (inside.get(id)?.length ?? 0) > 0,
  };
}

/** Where a task stands right after it was written. */
export interface Entered {
  readonly id: string;
  readonly seq: number;
  readonly status: TaskStatus;
  readonly gate: number | null;
  readonly error: string;
  readonly createdAt: Instant;
  /** When it may be claimed; null: at once. */
  readonly nextAttemptAt: Instant | null;
}

function enteredAs(id: string, { seq, createdAt, nextAttemptAt }: Inserted, pending: number): Entered {
  const gate =
    pending > 0 ? GATE.waitsForDependencies : nextAttemptAt === null ? GATE.runnable : GATE.waitsForTime;
  return { id, seq, status: 'queued', gate, error: '', createdAt, nextAttemptAt };
}

/** A task without dependencies as it stands right after it was written: what was handed in, and nothing has happened yet. */
function asEnqueued(task: NewTask, inserted: Inserted): Task {
  const named = (mode: FileMode) =>
    task.files.length === 0 ? [] : task.files.filter((file) => file.mode === mode).map(({ name }) => name);
  return {
    ...task,
    ...enteredAs(task.id, inserted, 0),
    requiredFiles: named('write'),
    readFiles: named('read'),
    dependents: [],
    attempts: 0,
    leaseNumber: 0,
    version: 1,
    lockedBy: null,
    claimToken: null,
    lockedAt: null,
    leaseExpiresAt: null,
    dispatchKey: null,
    dispatchGatewayId: null,
    result: {},
    updatedAt: inserted.createdAt,
    completedAt: null,
  };
}
