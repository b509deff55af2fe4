/** Ends a call that takes too long: by a time that can be begun anew and stopped, or by the signals around it. */
export class CallDeadline {
  private readonly late = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  readonly signal: AbortSignal;

  constructor(
    private readonly limitMs: number,
    /** What the call is ended with when the time is over. */
    private readonly reason: () => Error,
    outer: readonly AbortSignal[],
  ) {
    this.signal = AbortSignal.any([this.late.signal, ...outer]);
  }

  /** Begins the time anew. */
  start(): void {
    this.stop();
    this.timer = setTimeout(() => this.late.abort(this.reason()), this.limitMs);
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}
