import { type Database } from '../../../platform/database/database.js';
import { type Logger } from '../../../platform/logging/logger.js';
import { everyInterval } from '../../../platform/loops/interval-clock.js';
import { Loop } from '../../../platform/loops/loop.js';
import { start } from '../domain/life.js';
import { claimProjects, lockNextQueued, lockPlaces, lookForWork } from '../queries/leases.queries.js';
import { saveChange } from '../queries/projects.queries.js';
import { type ActionExecutor } from './driver.js';
import { type Drives } from './drives.js';

const LOOK_EVERY_MS = 1_000;
/** Well below the lease, so that a late renewal is none that is lost. */
const RENEW_EVERY_MS = 3_000;
/** So many projects one process works on at once. */
const MAX_DRIVES = 20;

/** Fills free places, and takes up projects for which something is to be done. Writes nothing when nothing is. */
export class ProjectsLoop extends Loop {
  constructor(
    private readonly database: Database,
    private readonly drives: Drives,
    private readonly executor: Pick<ActionExecutor, 'isReady'>,
    private readonly maxRunning: number,
    logger: Logger,
  ) {
    super({ name: 'projects', intervalMs: LOOK_EVERY_MS, logger }, everyInterval);
  }

  protected async runOnce(signal: AbortSignal): Promise<void> {
    const { isReady } = this.executor;
    const { due, queued } = await lookForWork(this.database, isReady);
    let admitted = 0;
    if (queued > 0) while (!signal.aborted && (await this.admit())) admitted++;
    const room = MAX_DRIVES - this.drives.count;
    if (signal.aborted || due + admitted === 0 || room <= 0) return;
    for (const held of await claimProjects(this.database, isReady, room)) void this.drives.begin(held);
  }

  /** Starts the project that has queued longest, if a place is free. */
  private admit(): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      await lockPlaces(tx);
      const project = await lockNextQueued(tx, this.maxRunning);
      if (project === null) return false;
      await saveChange(tx, start(project));
      return true;
    });
  }
}

/** Says that this process lives, for the projects that it works on. */
export class ProjectLeasesLoop extends Loop {
  constructor(
    private readonly drives: Drives,
    logger: Logger,
  ) {
    super({ name: 'project-leases', intervalMs: RENEW_EVERY_MS, logger }, everyInterval);
  }

  protected runOnce(): Promise<void> {
    return this.drives.renew();
  }
}
