import { setTimeout as wait } from 'node:timers/promises';
import { type Logger } from '../../platform/logging/logger.js';
import { everyInterval } from '../../platform/loops/interval-clock.js';
import { Loop } from '../../platform/loops/loop.js';
import { type CoordinatorClient } from './coordinator-client.js';
import { type RefreshLoop } from './refresh.loop.js';

const WAIT_MS = 20_000;
/** Replicas that disagree on the version would otherwise be asked without a pause. */
const PAUSE_MS = 200;

/** Waits at the coordinator for a change and nudges the refresh: a hint that makes it sooner, never the truth. */
export class WatchLoop extends Loop {
  constructor(
    private readonly coordinator: CoordinatorClient,
    private readonly refresh: RefreshLoop,
    logger: Logger,
  ) {
    super({ name: 'watch', intervalMs: refresh.intervalMs, logger }, everyInterval);
    refresh.onNewVersion = () => this.nudge();
  }

  protected async runOnce(signal: AbortSignal): Promise<void> {
    const { version } = this.refresh;
    if (version === undefined) return;
    try {
      if (await this.coordinator.waitForChange(version, WAIT_MS, signal)) this.refresh.nudge();
    } catch (error) {
      // The refresh meets the same trouble, and says so.
      this.logger.debug({ err: error }, 'The long poll failed.');
    }
    await wait(PAUSE_MS, undefined, { signal });
  }
}
