/** What came of a job, with a sentence for people. `skipped`: there was nothing to do, for it is not configured. */
export interface JobResult {
  readonly outcome: 'succeeded' | 'skipped';
  readonly message: string;
}

/** A job that recurs. Whatever it does may be done twice: a gateway that dies in the middle leaves it to another. */
export interface Job {
  readonly name: string;
  readonly everyMs: number;
  /** Rejects when it fails. `signal` fires when the gateway ends, or another has taken the job over. */
  run(signal: AbortSignal): Promise<JobResult>;
}
