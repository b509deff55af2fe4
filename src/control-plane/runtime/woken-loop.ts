import { type Wakeups } from '../../platform/database/wakeups.js';
import { type Every, type LoopOptions } from '../../platform/loops/loop.js';
import { ApplicationLoop } from './application-loop.js';

export interface WokenLoopOptions extends LoopOptions {
  /** What is published when there is something to look at. */
  readonly topic: string;
  /** The shortest sleep after a pass that says when to look again. */
  readonly shortestMs?: number;
}

/** An {@link ApplicationLoop} that looks again when its topic is published or at a time that it knows. */
export abstract class WokenLoop extends ApplicationLoop {
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

  override onApplicationBootstrap(): void {
    this.unsubscribe = this.wakeups.subscribe(this.options.topic, () => this.nudge());
    super.onApplicationBootstrap();
  }

  override async beforeApplicationShutdown(): Promise<void> {
    this.unsubscribe?.();
    await super.beforeApplicationShutdown();
    clearTimeout(this.alarm);
  }

  protected async runOnce(signal: AbortSignal): Promise<void> {
    clearTimeout(this.alarm);
    const inMs = await this.look(signal);
    if (inMs === null || inMs >= this.intervalMs) return;
    this.alarm = setTimeout(() => this.nudge(), Math.max(this.options.shortestMs ?? 1, inMs));
  }
}
