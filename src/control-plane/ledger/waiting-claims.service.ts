import { type Socket } from 'node:net';
import { Injectable } from '@nestjs/common';
import { Database, type Db } from '../../platform/database/database.js';
import { Wakeups } from '../../platform/database/wakeups.js';
import { TOPICS } from '../runtime/index.js';
import { type ClaimCall, CoalescedLedger } from './coalesced-ledger.service.js';
import { type ClaimedTask } from './domain/task.js';

/** A waiting claim looks again at least so often: a wake-up may be lost, and some work becomes ready without one. */
const LOOK_AGAIN_MS = 1_000;

export interface ClaimWish {
  readonly claimer: ClaimCall['claimer'];
  readonly max: number;
  readonly start: boolean;
  /** How long to wait for work when there is none. */
  readonly waitMs: number;
}

/** Claims for callers who may wait for work, over a connection that may end meanwhile. */
@Injectable()
export class WaitingClaims {
  private readonly waiting = new Set<() => void>();
  private closing = false;

  constructor(
    private readonly database: Database,
    private readonly ledger: CoalescedLedger,
    private readonly wakeups: Wakeups,
  ) {}

  /** Up to `max` tasks; none when there was no work in time, or the caller hung up. A transaction never waits. */
  async claim(db: Db, wish: ClaimWish, connection: Socket): Promise<ClaimedTask[]> {
    const { claimer, max, start } = wish;
    const call = { claimer, max, start, isGone: () => connection.destroyed };
    if (wish.waitMs === 0 || db !== this.database) return this.ledger.claim(db, call);
    const end = performance.now() + wish.waitMs;
    for (;;) {
      const woken = this.nextWakeup(connection, Math.min(end - performance.now(), LOOK_AGAIN_MS));
      try {
        const tasks = await this.ledger.claim(db, call);
        if (tasks.length > 0 || connection.destroyed || this.closing || performance.now() >= end)
          return tasks;
        await woken.promise;
      } finally {
        woken.cancel();
      }
    }
  }

  /** Answers all who wait, with nothing: the server is about to close. */
  beforeApplicationShutdown(): void {
    this.closing = true;
    for (const wake of this.waiting) wake();
  }

  /** Listens from now on, so that what becomes ready during the look that follows is not missed. */
  private nextWakeup(connection: Socket, ms: number): { promise: Promise<void>; cancel: () => void } {
    const { promise, resolve } = resolvable();
    const unsubscribe = this.wakeups.subscribe(TOPICS.ready, resolve);
    const timer = setTimeout(resolve, Math.max(0, ms));
    connection.once('close', resolve);
    this.waiting.add(resolve);
    return {
      promise,
      cancel: () => {
        unsubscribe();
        clearTimeout(timer);
        connection.off('close', resolve);
        this.waiting.delete(resolve);
      },
    };
  }
}

function resolvable(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
