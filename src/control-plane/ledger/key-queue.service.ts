import { Injectable } from '@nestjs/common';
import { type Db, type Tx } from '../../platform/database/database.js';
import { Wakeups } from '../../platform/database/wakeups.js';
import { TOPICS } from '../runtime/index.js';
import { type Applicant } from './domain/admission.js';
import { type Concurrency, type Held, keysOf, wakeableForKeys } from './domain/concurrency.js';
import * as queries from './queries/key.queries.js';

/** A task as far as its key is concerned. */
export interface Keyed {
  readonly seq: number;
  readonly concurrency: Concurrency | null;
}

/**
 * How many tasks of a concurrency key are held, and who waits for a place. Every method that changes something needs the
 * project's lock.
 *
 * What keeps wake-ups from being lost: of each lane and limit of a key, the first are runnable, as many as there are
 * places left. That can cease to be so only when a place is given up, or when somebody of the key stops being runnable
 * without taking one; both happen under the lock, and both call {@link free} or {@link offer}. Somebody more who becomes
 * runnable (new, due, retried, released, woken for a file) changes nothing of it, and needs no lock.
 */
@Injectable()
export class KeyQueue {
  constructor(private readonly wakeups: Wakeups) {}

  /** How many tasks of the keys of some are held now. */
  heldBeside(db: Db, projectId: string, tasks: readonly Keyed[]): Promise<Held> {
    return queries.countHeld(db, projectId, keysOf(tasks));
  }

  /**
   * Parks those of new, ready tasks for whom no place would be left if they were all there were, and returns how many. The
   * first of each lane and limit stay, so that the first of all stay runnable, those who were there before among them.
   */
  async parkNew(tx: Tx, projectId: string, tasks: readonly Applicant[]): Promise<number> {
    const keys = keysOf(tasks);
    if (keys.length === 0) return 0;
    const held = await queries.countHeld(tx, projectId, keys);
    const contenders = tasks.flatMap(({ concurrency, seq, lane, rank }) =>
      concurrency === null ? [] : { ...concurrency, seq, lane, rank, isParked: true },
    );
    const stay = new Set(wakeableForKeys(contenders, held));
    const full = tasks.filter(({ seq, concurrency }) => concurrency !== null && !stay.has(seq));
    await this.park(tx, full);
    return full.length;
  }

  /** Parks runnable tasks whose keys are full. */
  async park(tx: Tx, tasks: readonly Keyed[]): Promise<void> {
    if (tasks.length === 0) return;
    await queries.parkForKey(
      tx,
      tasks.map(({ seq }) => seq),
    );
  }

  /** Ends what tasks hold of their keys, or their being runnable, and wakes who may start now. */
  async free(tx: Tx, projectId: string, tasks: readonly Keyed[]): Promise<void> {
    const keyed = tasks.filter(({ concurrency }) => concurrency !== null);
    if (keyed.length === 0) return;
    await queries.dropHolds(
      tx,
      keyed.map(({ seq }) => seq),
    );
    await this.offer(tx, projectId, keysOf(keyed));
  }

  /** Wakes those who may have what is left of keys; returns how many. */
  async offer(tx: Tx, projectId: string, keys: readonly string[]): Promise<number> {
    const seqs = await this.overlooked(tx, projectId, keys);
    if (seqs.length === 0) return 0;
    await queries.wakeForKey(tx, seqs);
    tx.afterCommit(() => this.wakeups.publish(TOPICS.ready));
    return seqs.length;
  }

  /** Who would wake if keys were offered. Between two transactions there must never be anybody. */
  async overlooked(db: Db, projectId: string, keys: readonly string[]): Promise<readonly number[]> {
    if (keys.length === 0) return [];
    const held = await queries.countHeld(db, projectId, keys);
    return wakeableForKeys(await queries.findContenders(db, projectId, { keys, held }), held);
  }
}
