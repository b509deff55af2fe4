/** A key of which only so many tasks of a project are held at once. Two tasks may name one key with different limits. */
export interface Concurrency {
  readonly key: string;
  /** The task starts only while fewer tasks of the key than this are held. */
  readonly limit: number;
}

/** How many tasks of each key are held; a key that is missing has none. */
export type Held = ReadonlyMap<string, number>;

/** Whether a task has to wait for its key. */
export function isFull(concurrency: Concurrency | null, held: Held): boolean {
  return concurrency !== null && (held.get(concurrency.key) ?? 0) >= concurrency.limit;
}

/** A task that wants a place of its key: it is runnable, or parked until there is one. */
export interface Contender extends Concurrency {
  readonly seq: number;
  readonly lane: string;
  readonly rank: number;
  readonly isParked: boolean;
}

/**
 * Which of the parked wake: in each lane and for each limit as many of the first, parked or runnable, as there are places
 * left. Those who are runnable already are counted so that nobody wakes in vain, and compared so that nobody who came
 * later goes first. Lanes and limits do not wait for each other: whoever is awake in one may be somebody whom nobody
 * claims, or who has to wait where the other need not.
 */
export function wakeableForKeys(contenders: readonly Contender[], held: Held): number[] {
  const groups = new Map<string, Contender[]>();
  for (const contender of contenders) {
    const { key, lane, limit } = contender;
    const name = JSON.stringify([key, lane, limit]);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [contender]);
    else group.push(contender);
  }
  return [...groups.values()].flatMap((group) =>
    group
      .sort((a, b) => a.rank - b.rank || a.seq - b.seq)
      .slice(0, placesLeft(group[0], held))
      .filter(({ isParked }) => isParked)
      .map(({ seq }) => seq),
  );
}

function placesLeft(of: Concurrency | undefined, held: Held): number {
  return of === undefined ? 0 : Math.max(0, of.limit - (held.get(of.key) ?? 0));
}

/** The keys of tasks, each once. */
export function keysOf(tasks: readonly { readonly concurrency: Concurrency | null }[]): string[] {
  return [...new Set(tasks.flatMap(({ concurrency }) => concurrency?.key ?? []))];
}
