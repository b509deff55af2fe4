/** What tells the newer of two versions of a record that different coordinators have. */
export interface Stamp {
  readonly version: number;
  /** An instant, or an empty text: not known. Such texts compare as the instants do. */
  readonly updatedAt: string;
  readonly updatedBy: string;
}

/** Whether `a` is newer than `b`: by version, then time, then who wrote it. */
export function isNewer(a: Stamp, b: Stamp): boolean {
  if (a.version !== b.version) return a.version > b.version;
  if (a.updatedAt !== b.updatedAt) return a.updatedAt > b.updatedAt;
  return a.updatedBy > b.updatedBy;
}

/** A record as it is stored here. */
export interface Standing {
  /** Changes with every change of the record. */
  readonly mark: string;
  /** Whether it has come to an end that it must not go back behind. */
  readonly isFinal: boolean;
}

/** What is known of a record's last import. */
export interface Imported extends Stamp {
  /** Its mark right after that. */
  readonly mark: string;
}

/**
 * What becomes of a record that comes with a snapshot. One that is not here is added. One that is here is replaced only
 * when it was imported, has never been changed here since, and what comes is newer and does not go back.
 */
export function verdictOn(
  incoming: Stamp & { readonly isFinal: boolean },
  standing: Standing | undefined,
  imported: Imported | undefined,
): 'add' | 'replace' | 'leave' {
  if (standing === undefined) return 'add';
  if (imported?.mark !== standing.mark) return 'leave';
  if (standing.isFinal && !incoming.isFinal) return 'leave';
  return isNewer(incoming, imported) ? 'replace' : 'leave';
}
