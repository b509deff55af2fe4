import { Injectable } from '@nestjs/common';
import { type Mark } from './queries/discovery.js';

/** Entries of the ready index that one claim may read in vain before marks are worth it. */
const WORTH_IT = 1_000;
/** How long marks are trusted after a look at the whole index. */
const TRUSTED_MS = 1_000;
/** Lanes and projects whose marks are kept. */
const MOST = 50;

/**
 * Where the ready tasks of each lane and project begin, as far as this process has seen. Entries of tasks that have been
 * claimed stay in the index until a vacuum, and while somebody has an old snapshot open none can remove them: claims would
 * step over ever more of them. Then, and only then, claims begin at the marks. Once a second one of them looks at the
 * whole index again, and so does every claim that finds fewer tasks behind the marks than it wants: what becomes ready in
 * front of a mark meanwhile (a higher priority, a task given back) may wait for that long, and nothing is overlooked.
 */
@Injectable()
export class ReadyMarks {
  private readonly marks = new Map<string, Mark>();
  private trustedUntil = 0;

  /** The marks to begin at; none when a claim shall look at the whole index. */
  inForce(): readonly Mark[] | null {
    return performance.now() < this.trustedUntil ? [...this.marks.values()] : null;
  }

  /** A claim has looked at the whole index, and has read so many entries to no use. */
  looked(inVain: number): void {
    this.trustedUntil = inVain > WORTH_IT ? performance.now() + TRUSTED_MS : 0;
  }

  /** All up to there has been claimed. */
  reached(mark: Mark): void {
    const key = `${mark.lane}\n${mark.projectId}`;
    this.marks.delete(key);
    this.marks.set(key, mark);
    if (this.marks.size <= MOST) return;
    const [oldest] = this.marks.keys();
    if (oldest !== undefined) this.marks.delete(oldest);
  }
}
