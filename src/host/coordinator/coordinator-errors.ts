/** No coordinator gave an answer that counts. What was asked may have happened; asking again needs the same key. */
export class CoordinatorUnavailable extends Error {}

/** A coordinator has answered that it does not do what was asked. */
export class CoordinatorRefusal extends Error {
  constructor(
    readonly status: number,
    /** The text of the answer. */
    readonly reason: string,
  ) {
    super(`The coordinator answers ${status}: ${reason}`);
  }

  /** Nobody with this token, or not this host: an operator has to mend it, and may do so at any time. */
  get isLockedOut(): boolean {
    return this.status === 401 || this.status === 403;
  }

  /** An older coordinator, which does not know what was asked of it. */
  get isUnknownRoute(): boolean {
    return this.status === 404 && this.reason === 'not found';
  }

  /** The coordinator has forgotten this host. */
  get isUnknownHost(): boolean {
    return this.status === 404 && this.reason.startsWith('unknown host');
  }
}
