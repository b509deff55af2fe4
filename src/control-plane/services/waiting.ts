import { type Socket } from 'node:net';
import { Injectable } from '@nestjs/common';
import { Wakeups } from '../../platform/database/wakeups.js';
import { TOPICS } from '../runtime/index.js';

/** Who waits looks again at least so often: a wake-up may be lost, and a rest ends without one. */
const LOOK_AGAIN_MS = 1_000;

/** Looks for callers who may wait, over a connection that may end meanwhile. No transaction is open while they wait. */
@Injectable()
export class Waiting {
  private readonly waiting = new Set<() => void>();
  private closing = false;

  constructor(private readonly wakeups: Wakeups) {}

  /**
   * Looks until `look` finds something, and returns it; null when there was nothing for `waitMs`, the caller hung up, or
   * the server is about to close. Looks once at least.
   */
  async until<T>(connection: Socket, waitMs: number, look: () => Promise<T | null>): Promise<T | null> {
    const end = performance.now() + waitMs;
    for (;;) {
      const woken = this.nextWakeup(connection, Math.min(end - performance.now(), LOOK_AGAIN_MS));
      try {
        const found = await look();
        if (found !== null || connection.destroyed || this.closing || performance.now() >= end) return found;
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

  /** Listens from now on, so that what happens during the look that follows is not missed. */
  private nextWakeup(connection: Socket, ms: number): { promise: Promise<void>; cancel: () => void } {
    let wake!: () => void;
    const promise = new Promise<void>((resolve) => (wake = resolve));
    const unsubscribe = this.wakeups.subscribe(TOPICS.services, wake);
    const timer = setTimeout(wake, Math.max(0, ms));
    connection.once('close', wake);
    this.waiting.add(wake);
    return {
      promise,
      cancel: () => {
        unsubscribe();
        clearTimeout(timer);
        connection.off('close', wake);
        this.waiting.delete(wake);
      },
    };
  }
}
