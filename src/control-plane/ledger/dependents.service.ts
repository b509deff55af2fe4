import { Injectable } from '@nestjs/common';
import { Database, type Db, type Tx } from '../../platform/database/database.js';
import { Wakeups } from '../../platform/database/wakeups.js';
import { TOPICS } from '../runtime/index.js';
import { type UntoldEnd, untoldEnd } from './domain/untold-end.js';
import { failDependents, type Satisfied, satisfyDependents } from './queries/dependency.queries.js';
import { dropUntold, hasUntold, keepUntold, takeUntold } from './queries/untold.queries.js';

/** Edges that one transaction walks: what others may have to wait for, some 10 ms of work. */
export const PORTION = 500;
/** Ends that one portion looks at. */
const ENDS = 100;

/**
 * Tells dependents how the tasks ended that they wait for. An end tells a portion in its own transaction, which is all of
 * them but for large fans; what is left is written down by the same commit, and told portion by portion, by whichever
 * replica comes first. So neither a project's lock nor a statement that others share is kept for longer than a portion.
 */
@Injectable()
export class DependentsService {
  constructor(
    private readonly database: Database,
    private readonly wakeups: Wakeups,
  ) {}

  /** Tells of successes, in the transaction of the ends and in a statement after them. */
  async tellSuccess(tx: Tx, parentSeqs: readonly number[]): Promise<void> {
    const satisfied = await satisfyDependents(tx, parentSeqs.map(untoldEnd), PORTION);
    this.announce(tx, satisfied);
    await this.keep(tx, satisfied.left);
  }

  /** Tells of a failure or a cancellation: all that waits for the task fails, and all that waits for that. */
  async tellFailure(tx: Tx, parentSeq: number): Promise<void> {
    await this.keep(tx, await failDependents(tx, [untoldEnd(parentSeq)], PORTION));
  }

  /**
   * Tells one portion of what ends have left; false when there is nothing, or others are at it. May run in many replicas
   * at once, and be ended at any moment. Writes nothing when nothing is left.
   */
  async tellMore(): Promise<boolean> {
    if (!(await hasUntold(this.database))) return false;
    return this.database.transaction(async (tx) => {
      const taken = await takeUntold(tx, ENDS);
      const [first] = taken;
      if (first === undefined) return false;
      const ends = taken.filter(({ status }) => status === first.status);
      const left = await this.tell(tx, first.status, ends);
      const untold = new Set(left.map(({ parentSeq }) => parentSeq));
      const done = ends.map(({ parentSeq }) => parentSeq).filter((seq) => !untold.has(seq));
      if (done.length > 0) await dropUntold(tx, done);
      // Those whose turn did not come keep their place; the one in the middle goes behind the others.
      const before = new Map(ends.map((end) => [end.parentSeq, end.nextSeq]));
      const changed = left.filter(({ parentSeq, nextSeq }) => before.get(parentSeq) !== nextSeq);
      if (changed.length > 0) await keepUntold(tx, changed);
      return true;
    });
  }

  /** Tells a portion of ends that are alike, and returns what is left of them, and of what failed because of them. */
  private async tell(
    tx: Tx,
    status: string | null,
    ends: readonly UntoldEnd[],
  ): Promise<readonly UntoldEnd[]> {
    if (status === 'succeeded') {
      const satisfied = await satisfyDependents(tx, ends, PORTION);
      this.announce(tx, satisfied);
      return satisfied.left;
    }
    return status?.startsWith('failed') === true ? failDependents(tx, ends, PORTION) : [];
  }

  private async keep(tx: Tx, left: readonly UntoldEnd[]): Promise<void> {
    if (left.length === 0) return;
    await keepUntold(tx, left);
    tx.afterCommit(() => this.wakeups.publish(TOPICS.untold));
  }

  private announce(db: Db, { ready, resting }: Satisfied): void {
    if (ready) db.afterCommit(() => this.wakeups.publish(TOPICS.ready));
    if (resting) db.afterCommit(() => this.wakeups.publish(TOPICS.due));
  }
}
