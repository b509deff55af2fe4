import { type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { type Wakeups } from '../../platform/database/wakeups.js';
import { type Every, Loop, type LoopOptions } from '../../platform/loops/loop.js';

export interface WokenLoopOptions extends LoopOptions {
  /** What is published when there is something to look at. */
  readonly topic: string;
  /** The shortest sleep after a pass that says when to look again. */
  readonly shortestMs?: number;
}

/** A loop that runs as long as the application, and looks again when its topic is published or at a time that it knows. */
export abstract class WokenLoop extends Loop implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private alarm: NodeJS.Timeout | undefined;
  private unsubscribe: (() => void) | undefined;

  constructor(
    private readonly options: WokenLoopOptions,
    private readonly wakeups: Wakeups,
    every: Every,
  ) {
    super(options, every);
  }

  /** One pass, see {@link Loop.runOnce}. Returns in how many milliseconds there is something to do, if that is known. */
  protected abstract look(signal: AbortSignal): Promise<number | null>;

  onApplicationBootstrap(): void {
    this.unsubscribe = this.wakeups.subscribe(this.options.topic, () => this.nudge());
    this.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.unsubscribe?.();
    await this.stop();
    clearTimeout(this.alarm);
  }

  protected async runOnce(signal: AbortSignal): Promise<void> {
    clearTimeout(this.alarm);
    const inMs = await this.look(signal);
    if (inMs === null || inMs >= this.intervalMs) return;
    this.alarm = setTimeout(() => this.nudge(), Math.max(this.options.shortestMs ?? 1, inMs));
  }
}
