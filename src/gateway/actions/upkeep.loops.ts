import { type Database } from '../../platform/database/database.js';
import { type Logger } from '../../platform/logging/logger.js';
import { everyInterval } from '../../platform/loops/interval-clock.js';
import { Loop } from '../../platform/loops/loop.js';
import { prune } from './actions.queries.js';
import { type ActionsService } from './actions.service.js';

/** Well below the ten seconds after which a silent process counts as dead. */
const ALIVE_EVERY_MS = 3_000;
/** An emergency stop that another process was given ends what runs here within a second. */
const HEED_STOP_EVERY_MS = 500;
const PRUNE_EVERY_MS = 3_600_000;
const PRUNE_BATCH = 500;

/** The gateway's loops. They touch the database only while an action runs, but for a look once an hour. */
export function upkeepLoops(actions: ActionsService, database: Database, logger: Logger): readonly Loop[] {
  return [new AliveLoop(actions, logger), new StopLoop(actions, logger), new PruneLoop(database, logger)];
}

/** Says that this process lives, for what it is running. */
class AliveLoop extends Loop {
  constructor(
    private readonly actions: ActionsService,
    logger: Logger,
  ) {
    super({ name: 'alive', intervalMs: ALIVE_EVERY_MS, logger }, everyInterval);
  }

  protected runOnce(): Promise<void> {
    return this.actions.stayAlive();
  }
}

/** Ends what runs here when the emergency stop is on. */
class StopLoop extends Loop {
  constructor(
    private readonly actions: ActionsService,
    logger: Logger,
  ) {
    super({ name: 'heed-stop', intervalMs: HEED_STOP_EVERY_MS, logger }, everyInterval);
  }

  protected runOnce(): Promise<void> {
    return this.actions.heedStop();
  }
}

/** Forgets old executions. */
class PruneLoop extends Loop {
  constructor(
    private readonly database: Database,
    logger: Logger,
  ) {
    super({ name: 'prune', intervalMs: PRUNE_EVERY_MS, logger }, everyInterval);
  }

  protected async runOnce(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await prune(this.database, PRUNE_BATCH)) > 0);
  }
}
