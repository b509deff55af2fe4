/** The host was not reached, or the way to it broke. */
export class TransportError extends Error {
  constructor(
    reason: string,
    /** Whether what was asked for may have begun there. */
    readonly mayHaveBegun: boolean,
    options?: ErrorOptions,
  ) {
    super(`SSH action failed: ${reason}`, options);
  }

  /** Anything else that goes wrong on the way, before anything has begun. */
  static of(error: unknown): TransportError {
    if (error instanceof TransportError) return error;
    return new TransportError(error instanceof Error ? error.message : String(error), false, {
      cause: error,
    });
  }
}
