import { Injectable } from '@nestjs/common';

/** Lanes whose turn is remembered. */
const MOST_LANES = 500;

/**
 * Whose turn it is: for each lane the project that this process served last. Projects with ready work are served one
 * after the other by name, so each gets an equal share of the claims, whatever the others have waiting. Kept in memory,
 * since every process that goes round serves all alike; one that starts anew begins with the first project.
 */
@Injectable()
export class ProjectTurns {
  private readonly last = new Map<string, string>();

  get all(): ReadonlyMap<string, string> {
    return this.last;
  }

  served(lane: string, projectId: string): void {
    this.last.delete(lane);
    this.last.set(lane, projectId);
    if (this.last.size <= MOST_LANES) return;
    const [oldest] = this.last.keys();
    if (oldest !== undefined) this.last.delete(oldest);
  }
}
