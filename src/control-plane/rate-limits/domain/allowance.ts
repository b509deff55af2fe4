/** What a replica knows of a client's minute. */
export class Allowance {
  private left = 0;
  private taken = 0;

  constructor(
    private readonly limit: number,
    /** When the minute ends, on the clock of `performance.now()`. */
    readonly endsAtMs: number,
  ) {}

  /** Whether others may still be asked for more. */
  get isOpen(): boolean {
    return this.taken < this.limit;
  }

  /** Requests that the client may still make, as far as is known here. */
  get remaining(): number {
    return this.left + Math.max(0, this.limit - this.taken);
  }

  /** Uses one of the requests that were taken for this replica; false when there is none left. */
  use(): boolean {
    if (this.left === 0) return false;
    this.left--;
    return true;
  }

  /** `share` were taken here, and `taken` in all, these included; what is beyond the limit counts for nothing. */
  add(share: number, taken: number): void {
    this.left += Math.max(0, Math.min(share, this.limit - (taken - share)));
    this.taken = Math.max(this.taken, taken);
  }
}
