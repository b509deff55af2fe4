import { type Database } from '../../../platform/database/database.js';
import { type Logger } from '../../../platform/logging/logger.js';
import { type Held, renewProjects } from '../queries/leases.queries.js';
import { Drive } from './drive.js';
import { type DriveEnd, type Driver } from './driver.js';

/** All projects that this process works on. */
export class Drives {
  private readonly open = new Map<Drive, Promise<DriveEnd>>();
  private closed = false;

  constructor(
    private readonly database: Database,
    private readonly driver: Driver,
    private readonly logger: Logger,
  ) {}

  get count(): number {
    return this.open.size;
  }

  /** Works on a project that this process holds, until nothing is to be done. Never rejects. */
  begin(held: Held): Promise<DriveEnd> {
    const drive = new Drive(held);
    const work = this.driver.run(drive).catch((error: unknown): DriveEnd => {
      // The lease runs out, and whoever claims the project next goes on where this was left.
      this.logger.warn({ err: error, projectId: held.projectId }, 'The work on a project broke off.');
      return { rolledBack: null };
    });
    this.open.set(drive, work);
    if (this.closed) drive.end();
    return work.finally(() => this.open.delete(drive));
  }

  /** Says that this process lives, and hears which of its projects were changed by others, or lost. */
  async renew(): Promise<void> {
    const drives = [...this.open.keys()];
    if (drives.length === 0) return;
    const versions = await renewProjects(
      this.database,
      drives.map(({ held }) => held.holder),
    );
    for (const drive of drives) {
      const version = versions.get(drive.held.projectId);
      if (version === undefined) drive.end();
      else drive.noteVersion(version);
    }
  }

  /** A project was changed by this process. */
  noteVersion(projectId: string, version: number): void {
    for (const drive of this.open.keys()) {
      if (drive.held.projectId === projectId) drive.noteVersion(version);
    }
  }

  /** Ends all work where it is, and waits for that. What comes later ends at once. */
  async close(): Promise<void> {
    this.closed = true;
    for (const drive of this.open.keys()) drive.end();
    await Promise.all(this.open.values());
  }
}
