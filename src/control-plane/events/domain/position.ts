/** A place in the log that nothing can be written before: the last event that was read, or what lies beyond it. */
export interface Position {
  /** A transaction's id as decimal text. */
  readonly txid: string;
  readonly id: number;
}

/** Before the first event. */
export const BEGINNING: Position = { txid: '0', id: 0 };

/** Negative when `a` comes before `b`, zero when they are the same place. */
export function comparePositions(a: Position, b: Position): number {
  if (a.txid === b.txid) return a.id - b.id;
  // Decimal texts without leading zeros: the longer one is the greater one.
  if (a.txid.length !== b.txid.length) return a.txid.length - b.txid.length;
  return a.txid < b.txid ? -1 : 1;
}

/** The later of two places. */
export function laterOf(a: Position, b: Position): Position {
  return comparePositions(a, b) < 0 ? b : a;
}
