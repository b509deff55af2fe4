import { Injectable } from '@nestjs/common';
import { type Claimer } from './domain/task.js';
import { type Line } from './queries/discovery.js';

/** How long nothing is guessed after a wrong guess. */
const MISTAKEN_MS = 1_000;
/** The lanes of tasks that ask for nothing: every worker may take them. */
const OPEN_LANES: ReadonlySet<string> = new Set(['action/any//', 'action/pull//']);

/** Who may take a job is looked at by the claim itself, host by host. */
const isOfJobs = ({ lane }: Line) => !lane.startsWith('action/');

/**
 * A guess of the one line, of a lane and a project, that has ready work, from what was claimed last. In most installations it is right
 * most of the time, and a claim that has it need not look for lanes, projects and their turns. The claim proves it in its
 * own statement, so a wrong guess costs a statement and nothing else.
 */
@Injectable()
export class SoleLine {
  private line: Line | null = null;
  private silentUntil = 0;

  guessFor(claimer: Claimer): Line | null {
    if (this.line === null || performance.now() < this.silentUntil) return null;
    return claimer.holder === (isOfJobs(this.line) ? 'host' : 'worker') ? this.line : null;
  }

  wasWrong(): void {
    this.line = null;
    this.silentUntil = performance.now() + MISTAKEN_MS;
  }

  /** Where a claim found its tasks. */
  found(lines: readonly Line[]): void {
    const [line] = lines;
    if (line === undefined) return;
    this.line = lines.length === 1 && (isOfJobs(line) || OPEN_LANES.has(line.lane)) ? line : null;
  }
}
