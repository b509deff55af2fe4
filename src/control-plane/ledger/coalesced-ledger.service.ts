import { Injectable } from '@nestjs/common';
import { Coalescer } from '../../platform/coalescing/coalescer.js';
import { Database, type Db } from '../../platform/database/database.js';
import { DatabaseUnavailableError } from '../../platform/database/errors.js';
import { type Instant } from '../../platform/database/row.js';
import { type Spread } from '../../platform/metrics/meter.js';
import { Turns } from '../../platform/turns.js';
import { ClaimsService } from './claims.service.js';
import {
  type ClaimedTask,
  type Claimer,
  type ClaimProof,
  type NewTask,
  onlyProjectOf,
  type Task,
} from './domain/task.js';
import { EndingsService, type Outcome } from './endings.service.js';
import { type EnqueueRequest, IntakeService, refuseTaken } from './intake.service.js';
import { LedgerMetrics } from './ledger.metrics.js';
import { type Success } from './queries/finish.queries.js';
import { type Job } from './queries/job-row.js';

/** Rows that one statement writes at most: large enough that commits do not count, small enough that nobody waits long. */
const MAX_ROWS = 500;
/** Statements of one kind under way at a time; the others of a process wait and share the next. */
const RUNS = 1;
/** Ends that need a transaction of their own, at a time: a batch of thousands must not take all connections. */
const ENDS_AT_ONCE = 4;

/** How a worker claims. */
export interface ClaimCall {
  readonly claimer: Exclude<Claimer, { holder: 'dispatcher' }>;
  readonly max: number;
  /** Whether the tasks are started in the same step. */
  readonly start: boolean;
  /** Whether the caller has hung up: nothing is claimed for it then. */
  readonly isGone: () => boolean;
}

/**
 * The hot calls of the ledger for callers who arrive together: claims, starts, renewals, successes and enqueues of one
 * process share statements and commits, each caller answered after the commit with its own result. Inside of somebody's
 * transaction a call runs by itself, and what needs more than one statement goes its own way.
 */
@Injectable()
export class CoalescedLedger {
  private readonly enqueues: Coalescer<NewTask, Task | null>;
  private readonly claimCalls: Coalescer<ClaimCall, ClaimedTask[]>;
  private readonly starts: Coalescer<ClaimProof, boolean>;
  private readonly renewals: Coalescer<ClaimProof, Instant | null>;
  private readonly successes: Coalescer<Success, boolean>;
  private readonly jobSuccesses: Coalescer<Success, Job | null>;
  private readonly wholeSuccesses: Coalescer<Success, boolean>;
  private readonly otherEnds = new Turns(ENDS_AT_ONCE);

  constructor(
    private readonly database: Database,
    private readonly intake: IntakeService,
    private readonly claims: ClaimsService,
    private readonly endings: EndingsService,
    { sharedBy }: LedgerMetrics,
  ) {
    this.enqueues = coalescer(sharedBy.enqueue, (tasks) => this.intake.insertAlone(this.database, tasks));
    this.claimCalls = coalescer(
      sharedBy.claim,
      (calls) => this.claimAll(calls),
      ({ max }) => max,
    );
    this.starts = coalescer(sharedBy.start, async (proofs) => {
      return inRounds(proofs, async (round) => {
        const started = await this.claims.start(this.database, round);
        return ({ taskId }) => started.has(taskId);
      });
    });
    this.renewals = coalescer(sharedBy.renew, async (proofs) => {
      return inRounds(proofs, async (round) => {
        const ends = await this.claims.renew(this.database, round);
        return ({ taskId }) => ends.get(taskId) ?? null;
      });
    });
    const ofProof = ({ proof }: Success) => proof;
    this.successes = coalescer(sharedBy.succeed, async (reports) => {
      return inRounds(
        reports,
        async (round) => {
          const ended = await this.endings.succeedShort(this.database, round);
          return ({ proof }) => ended.has(proof.taskId);
        },
        ofProof,
      );
    });
    this.jobSuccesses = coalescer(sharedBy.succeed_job, async (reports) => {
      return inRounds(
        reports,
        async (round) => {
          const ended = await this.endings.succeedJobs(this.database, round);
          return ({ proof }) => ended.get(proof.taskId) ?? null;
        },
        ofProof,
      );
    });
    this.wholeSuccesses = coalescer(sharedBy.succeed_whole, async (reports) => {
      return inRounds(
        reports,
        async (round) => {
          const ended = await this.endings.succeedWhole(this.database, round);
          return ({ proof }) => ended.has(proof.taskId);
        },
        ofProof,
      );
    });
  }

  /** See {@link IntakeService.enqueue}. */
  async enqueue(db: Db, request: EnqueueRequest): Promise<Task> {
    if (db !== this.database) return this.intake.enqueue(db, request);
    const task = this.intake.newTask(request);
    if (!(await this.intake.standsAlone(db, task))) {
      // With the id that was made for it, if one was.
      return this.intake.enqueue(db, { ...request, id: task.id });
    }
    return (await this.enqueues.submit(task)) ?? refuseTaken(task.id);
  }

  /** See {@link ClaimsService.claim}. A caller that has hung up meanwhile keeps nothing. */
  async claim(db: Db, call: ClaimCall): Promise<ClaimedTask[]> {
    if (db === this.database) return this.claimCalls.submit(call);
    const slots = Array<string>(call.max).fill(call.claimer.id);
    return (await this.claims.claim(db, call.claimer, { slots, start: call.start })).claimed;
  }

  /** See {@link ClaimsService.start}. */
  async start(db: Db, proof: ClaimProof): Promise<boolean> {
    if (db === this.database) return this.starts.submit(proof);
    return (await this.claims.start(db, [proof])).has(proof.taskId);
  }

  /** See {@link ClaimsService.renew}. Null when the proof does not hold. */
  async renew(db: Db, proof: ClaimProof): Promise<Instant | null> {
    if (db === this.database) return this.renewals.submit(proof);
    return (await this.claims.renew(db, [proof])).get(proof.taskId) ?? null;
  }

  /** See {@link EndingsService.complete}. */
  async complete(db: Db, proof: ClaimProof, outcome: Outcome): Promise<boolean> {
    if (db !== this.database) return this.endings.complete(db, proof, outcome);
    if (!outcome.success) return this.otherEnds.run(() => this.endings.complete(db, proof, outcome));
    const success = this.endings.successOf(proof, outcome);
    return (await this.successes.submit(success)) || (await this.wholeSuccesses.submit(success));
  }

  /** The same for a success of a job that nothing waits for, which is returned as it is then; null: take {@link complete}. */
  async completeJob(
    db: Db,
    proof: ClaimProof,
    outcome: Pick<Outcome, 'result' | 'error'>,
  ): Promise<Job | null> {
    const success = this.endings.successOf(proof, outcome);
    if (db === this.database) return this.jobSuccesses.submit(success);
    return (await this.endings.succeedJobs(db, [success])).get(proof.taskId) ?? null;
  }

  /** Gives a task back, or up. False when the proof does not hold. */
  release(
    db: Db,
    proof: ClaimProof,
    { reason, isGivenUp }: { readonly reason: string; readonly isGivenUp: boolean },
  ): Promise<boolean> {
    const end = () =>
      isGivenUp ? this.endings.giveUp(db, proof, reason) : this.endings.release(db, proof, { reason });
    return db === this.database ? this.otherEnds.run(end) : end();
  }

  /** Workers that may take the same tasks claim together; the ledger says which of them those are. */
  private async claimAll(calls: readonly ClaimCall[]): Promise<ClaimedTask[][]> {
    const taken = new Map<ClaimCall, ClaimedTask[]>();
    for (const group of asked(calls.filter((call) => !call.isGone()))) {
      const claimed: ClaimedTask[] = [];
      let trouble: { readonly error: unknown } | undefined;
      try {
        await this.claimFor(group, claimed);
      } catch (error) {
        trouble = { error };
      }
      // Those who were served before the error keep what they have.
      if (trouble !== undefined && claimed.length === 0 && taken.size === 0) throw trouble.error;
      for (const call of group) taken.set(call, takeFor(call, claimed));
      if (trouble !== undefined) break;
    }
    return Promise.all(calls.map((call) => this.keptBy(call, taken.get(call) ?? [])));
  }

  /** What is claimed is added to `claimed` as it comes. */
  private async claimFor(group: readonly [ClaimCall, ...ClaimCall[]], claimed: ClaimedTask[]): Promise<void> {
    let slots: readonly string[] = group.flatMap(({ claimer, max }) => Array<string>(max).fill(claimer.id));
    while (slots.length > 0) {
      const { claimer, start } = group.find((call) => call.claimer.id === slots[0]) ?? group[0];
      const result = await this.claims.claim(this.database, claimer, { slots, start });
      claimed.push(...result.claimed);
      slots = result.unlike;
    }
  }

  private async keptBy({ isGone }: ClaimCall, tasks: ClaimedTask[]): Promise<ClaimedTask[]> {
    if (tasks.length === 0 || !isGone()) return tasks;
    for (const { id, lockedBy, claimToken } of tasks) {
      const proof = { taskId: id, workerId: lockedBy, claimToken };
      await this.endings.release(this.database, proof, {
        reason: 'The claimer hung up before it was answered.',
      });
    }
    return [];
  }
}

function coalescer<Item, Result>(
  sharedBy: Spread,
  run: (items: readonly Item[]) => Promise<readonly Result[]>,
  weightOf?: (item: Item) => number,
): Coalescer<Item, Result> {
  return new Coalescer({
    ...{ run, maxWeight: MAX_ROWS, maxRuns: RUNS },
    ...(weightOf === undefined ? {} : { weightOf }),
    concernsAll: (error) => error instanceof DatabaseUnavailableError,
    observe: (items) => sharedBy.observe(items),
  });
}

/** Calls that name the same capabilities and project, or none, and want the tasks in the same state. */
function asked(calls: readonly ClaimCall[]): Iterable<[ClaimCall, ...ClaimCall[]]> {
  const groups = new Map<string, [ClaimCall, ...ClaimCall[]]>();
  for (const call of calls) {
    const { claimer } = call;
    const capabilities = claimer.holder === 'worker' ? claimer.capabilities : null;
    const named = capabilities === null ? '' : JSON.stringify([...capabilities].sort());
    const key = JSON.stringify([claimer.holder, call.start, named, onlyProjectOf(claimer)]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [call]);
    else group.push(call);
  }
  return groups.values();
}

/** Takes out of `claimed` what falls to a call: its worker's tasks in the state it wants, up to as many as it wants. */
function takeFor({ claimer, max, start }: ClaimCall, claimed: ClaimedTask[]): ClaimedTask[] {
  const taken: ClaimedTask[] = [];
  for (let index = 0; index < claimed.length && taken.length < max;) {
    const task = claimed[index];
    const fits = task?.lockedBy === claimer.id && (task.status === 'running') === start;
    if (fits) taken.push(...claimed.splice(index, 1));
    else index++;
  }
  return taken;
}

/**
 * Runs items so that no two of one round concern the same task: of two that say the same, the second must find what the
 * first has done. `work` answers for all items of its round.
 */
async function inRounds<Item, Result>(
  items: readonly Item[],
  work: (round: readonly Item[]) => Promise<(item: Item) => Result>,
  proofOf: (item: Item) => ClaimProof = (item) => item as ClaimProof,
): Promise<Result[]> {
  const rounds: { readonly ids: Set<string>; readonly items: Item[] }[] = [];
  for (const item of items) {
    const { taskId } = proofOf(item);
    let round = rounds.find(({ ids }) => !ids.has(taskId));
    if (round === undefined) rounds.push((round = { ids: new Set(), items: [] }));
    round.ids.add(taskId);
    round.items.push(item);
  }
  const results = new Map<Item, Result>();
  for (const round of rounds) {
    const resultOf = await work(round.items);
    for (const item of round.items) results.set(item, resultOf(item));
  }
  return items.map((item) => results.get(item) as Result);
}
