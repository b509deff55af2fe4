import { type Socket } from 'node:net';
import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { Wakeups } from '../../platform/database/wakeups.js';

/** Who waits looks again at least so often: a wake-up may be lost, and some things change without one. */
const LOOK_AGAIN_MS = 1_000;

/** Looks for callers who may wait, over a connection that may end meanwhile. No transaction is open while they wait. */
@Injectable()
export class Waiting implements BeforeApplicationShutdown {
  private readonly waiting = new Set<() => void>();
  private closing = false;

  constructor(private readonly wakeups: Wakeups) {}

  /**
   * Looks until `look` finds something, and returns it: now, and again whenever `topic` is published. Null when there was
   * nothing for `waitMs`, the caller hung up, or the server is about to close. Looks once at least.
   */
  async until<T>(
    topic: string,
    connection: Socket,
    waitMs: number,
    look: () => Promise<T | null>,
  ): Promise<T | null> {
    const end = performance.now() + waitMs;
    for (;;) {
      const woken = this.nextWakeup(topic, connection, Math.min(end - performance.now(), LOOK_AGAIN_MS));
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
  private nextWakeup(
    topic: string,
    connection: Socket,
    ms: number,
  ): { readonly promise: Promise<void>; readonly cancel: () => void } {
    let wake!: () => void;
    const promise = new Promise<void>((resolve) => (wake = resolve));
    const unsubscribe = this.wakeups.subscribe(topic, wake);
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
