/** Whose output it is. */
export interface Subject {
  readonly kind: 'job' | 'service';
  readonly id: string;
}

/** A place in an output: behind so many entries. */
export interface Place {
  readonly position: number;
  /** Counts the two outputs of a result, by attempt, where these stand in for what was not shipped; up to which it is behind. */
  readonly ofResult: number;
}

export const BEGINNING: Place = { position: 0, ofResult: 0 };

/** Names an output among all. */
export const keyOf = ({ kind, id }: Subject): string => `${kind}/${id}`;
