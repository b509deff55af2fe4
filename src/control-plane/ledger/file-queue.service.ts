import { Injectable } from '@nestjs/common';
import { type Db, type Tx } from '../../platform/database/database.js';
import { Wakeups } from '../../platform/database/wakeups.js';
import { TOPICS } from '../runtime/index.js';
import {
  type Applicant,
  conflictOf,
  type Loser,
  reservedBy,
  type Sorted,
  sortOut,
  standingOf,
  wakeable,
} from './domain/admission.js';
import { type Held } from './domain/concurrency.js';
import { overlaps } from '../../file-patterns/index.js';
import { type Use, UseIndex } from './domain/use-index.js';
import { type WantedFile } from './domain/wanted-files.js';
import { LedgerMetrics } from './ledger.metrics.js';
import { tellConflicts } from './queries/conflict.queries.js';
import * as queries from './queries/file.queries.js';

/**
 * Who may have which files, and who waits for them: readers together, writers alone, first come first served among tasks
 * that are alike. Every method that changes something needs the project's lock ({@link queries.lockProject}).
 *
 * What keeps wake-ups from being lost: a parked task waits for an owner or for a task ahead of it, and whenever something
 * owned or reserved goes, those who wait for what overlaps it are looked at again ({@link offer}).
 */
@Injectable()
export class FileQueue {
  constructor(
    private readonly wakeups: Wakeups,
    private readonly metrics: LedgerMetrics,
  ) {}

  /**
   * Sorts applicants, given in the order of service, into up to `limit` that may start together and those that may not.
   * `held`: how many tasks of their keys are held.
   */
  async sortOut(
    tx: Tx,
    projectId: string,
    applicants: readonly Applicant[],
    { held, limit }: { readonly held: Held; readonly limit: number },
  ): Promise<Sorted<Applicant>> {
    const files = applicants.flatMap((applicant) => applicant.files);
    const neighbours = await queries.findNeighbours(tx, projectId, files);
    return sortOut(applicants, { neighbours, held }, limit);
  }

  /**
   * Parks those of new, ready tasks that would only be looked at in vain, and returns the others. Two of them that want the
   * same stay: neither owns it yet, so nobody would wake the other if the first were cancelled.
   */
  async parkNew<A extends Applicant>(tx: Tx, projectId: string, applicants: readonly A[]): Promise<A[]> {
    const files = applicants.flatMap((applicant) => applicant.files);
    const neighbours = new UseIndex(await queries.findNeighbours(tx, projectId, files));
    const losers: Loser[] = [];
    const others: A[] = [];
    for (const applicant of applicants) {
      const conflict = conflictOf(applicant, neighbours);
      if (conflict === null) {
        others.push(applicant);
        continue;
      }
      losers.push({ applicant, conflict });
      for (const use of standingOf(applicant, conflict)) neighbours.add(use);
    }
    await this.park(tx, projectId, losers, { lost: false });
    return others;
  }

  /** Whether a new task would have to wait, as far as can be seen without the lock. */
  async isContended(db: Db, projectId: string, files: readonly WantedFile[]): Promise<boolean> {
    const neighbours = new UseIndex(await queries.findNeighbours(db, projectId, files));
    return files.some((file) => neighbours.find(file, () => true) !== undefined);
  }

  /**
   * Parks tasks that could not be admitted. A task that has lost often enough reserves all of its files, so that it
   * starts when those who own or wait for them now are done. `lost`: they were about to be claimed, which counts and is
   * told in the log.
   */
  async park(
    tx: Tx,
    projectId: string,
    losers: readonly Loser[],
    { lost }: { readonly lost: boolean },
  ): Promise<void> {
    if (losers.length === 0) return;
    const before = await queries.leaveQueue(
      tx,
      losers.map(({ applicant }) => applicant.seq),
    );
    await queries.park(
      tx,
      losers.map(({ applicant, conflict }) => {
        const losses = (before.losses.get(applicant.seq) ?? 0) + (lost ? 1 : 0);
        return { seq: applicant.seq, reserved: reservedBy({ applicant, conflict }, losses), losses };
      }),
    );
    if (lost) {
      const told = losers.flatMap(({ applicant: { seq }, conflict: { file, ownerSeq } }) =>
        ownerSeq === null ? [] : [{ seq, ownerSeq, name: file.name }],
      );
      await tellConflicts(tx, told);
    }
    await this.offer(tx, projectId, before.uses);
  }

  /** Ends the ownership of tasks, and wakes who may start now. */
  async free(tx: Tx, projectId: string, taskSeqs: readonly number[]): Promise<void> {
    await this.offer(tx, projectId, await queries.freeFiles(tx, taskSeqs));
  }

  /** The same for some of a task's files; returns the names of those that it owned. */
  async freeSome(
    tx: Tx,
    projectId: string,
    taskSeq: number,
    files: readonly WantedFile[],
  ): Promise<readonly string[]> {
    const paths = files.map(({ pattern }) => pattern.text);
    const freed = await queries.freeFiles(tx, [taskSeq], paths);
    await this.offer(tx, projectId, freed);
    return freed.map(({ name }) => name);
  }

  /** Takes tasks out of the queue, and wakes who waited behind them. */
  async leave(tx: Tx, projectId: string, taskSeqs: readonly number[]): Promise<void> {
    await this.offer(tx, projectId, (await queries.leaveQueue(tx, taskSeqs)).uses);
  }

  /** Wakes those in the queue that can have what has become free. Returns whether anybody woke. */
  async offer(tx: Tx, projectId: string, freed: readonly Use[]): Promise<boolean> {
    const woken = await this.wakeAll(tx, projectId, freed);
    if (woken === 0) return false;
    tx.afterCommit(() => this.wakeups.publish(TOPICS.ready));
    return true;
  }

  /** Who would wake if all that is parked in a project were looked at. There must never be anybody. */
  async overlooked(db: Db, projectId: string): Promise<readonly number[]> {
    return (await this.wakeableNow(db, projectId, [EVERYTHING])).seqs;
  }

  /** Wakes those; returns how many there were. */
  wakeOverlooked(tx: Tx, projectId: string): Promise<number> {
    return this.wakeAll(tx, projectId, [EVERYTHING]);
  }

  /** Readers are looked at in portions: as long as one may have been cut off, there is another round. */
  private async wakeAll(tx: Tx, projectId: string, freed: readonly Use[]): Promise<number> {
    for (let woken = 0; ;) {
      const { seqs, more } = await this.wakeableNow(tx, projectId, freed);
      if (seqs.length > 0) this.noteWaits(tx, await queries.wake(tx, seqs));
      woken += seqs.length;
      if (seqs.length === 0 || !more) return woken;
    }
  }

  private noteWaits(tx: Tx, seconds: readonly number[]): void {
    tx.afterCommit(() => {
      for (const wait of seconds) this.metrics.fileWaits.observe(wait);
    });
  }

  private async wakeableNow(
    db: Db,
    projectId: string,
    freed: readonly Use[],
  ): Promise<{ readonly seqs: number[]; readonly more: boolean }> {
    const found = await queries.findWaiters(db, projectId, freed);
    const waiters = found.filter((waiter) =>
      waiter.reserved.some((use) => freed.some((one) => overlaps(use.pattern, one.pattern))),
    );
    if (waiters.length === 0) return { seqs: [], more: false };
    const reserved = waiters.flatMap((waiter) => waiter.reserved);
    const neighbours = await queries.findNeighbours(db, projectId, reserved);
    return {
      seqs: wakeable(waiters, neighbours).map(({ seq }) => seq),
      more: found.length >= queries.READERS_AT_ONCE,
    };
  }
}

const EVERYTHING: Use = {
  pattern: { raw: '**', kind: 'tree', text: '**', prefix: '' },
  mode: 'write',
};
