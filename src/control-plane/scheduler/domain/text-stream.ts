/** Of one attempt: events at most, characters in one of them, and in all together. */
export const TEXT_LIMITS = { events: 100, each: 4_000, all: 64_000 } as const;

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/** A piece of a text that is told while it is written. */
export interface TextPiece {
  /** Where it begins in the whole text. */
  readonly offset: number;
  readonly text: string;
  /** Characters behind it that are not told; the result has them all. */
  readonly skipped: number;
}

/**
 * Decides which pieces of a growing text are told: few, bounded, and the more rarely the longer it grows. The result of the
 * task tells the whole text, so nothing is lost by what is left out here.
 */
export class TextStream {
  private waiting = '';
  private dropped = 0;
  private offset = 0;
  private told = 0;
  private pieces = 0;

  add(delta: string): void {
    const room = TEXT_LIMITS.each - this.waiting.length;
    this.waiting += delta.slice(0, room);
    this.dropped += Math.max(0, delta.length - room);
  }

  /** How long to wait before the next piece is taken; null when there will be none. */
  get pauseMs(): number | null {
    if (this.waiting === '' || this.isFull) return null;
    return Math.min(FIRST_PAUSE_MS * 2 ** Math.min(this.pieces, 10), LONGEST_PAUSE_MS);
  }

  /** The piece that is to be told now; null when there is none. */
  take(): TextPiece | null {
    if (this.waiting === '' || this.isFull) return null;
    const text = this.waiting.slice(0, TEXT_LIMITS.all - this.told);
    const skipped = this.dropped + this.waiting.length - text.length;
    const piece = { offset: this.offset, text, skipped };
    this.offset += text.length + skipped;
    this.told += text.length;
    this.pieces += 1;
    this.waiting = '';
    this.dropped = 0;
    return piece;
  }

  private get isFull(): boolean {
    return this.pieces >= TEXT_LIMITS.events || this.told >= TEXT_LIMITS.all;
  }
}
