/** What stands for a project in a lane. */
interface Entry {
  readonly lane: string;
  readonly projectId: string;
}

/**
 * Of each lane the entries of the project whose turn is next: the first by name after the one that was served last, and
 * from the beginning again.
 */
export function firstInTurn<E extends Entry>(
  entries: readonly E[],
  served: ReadonlyMap<string, string>,
): E[] {
  const comesFirst = (a: Entry, b: Entry): boolean => {
    const last = served.get(a.lane) ?? '';
    const [aIsPast, bIsPast] = [byName(a.projectId, last) <= 0, byName(b.projectId, last) <= 0];
    return aIsPast === bIsPast ? byName(a.projectId, b.projectId) < 0 : bIsPast;
  };
  const first = new Map<string, E[]>();
  for (const entry of entries) {
    const [before] = first.get(entry.lane) ?? [];
    if (before === undefined || comesFirst(entry, before)) first.set(entry.lane, [entry]);
    else if (before.projectId === entry.projectId) first.get(entry.lane)?.push(entry);
  }
  return [...first.values()].flat();
}

/** The order of the database's collation "C". */
const byName = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
