/** An end, and the dependents that have not been told of it: those from `nextSeq` to `lastSeq`. */
export interface UntoldEnd {
  readonly parentSeq: number;
  readonly nextSeq: number;
  readonly lastSeq: number;
}

/** An end that nobody has been told of. */
export const untoldEnd = (parentSeq: number): UntoldEnd => ({
  parentSeq,
  nextSeq: 0,
  lastSeq: Number.MAX_SAFE_INTEGER,
});
