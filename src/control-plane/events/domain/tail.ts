import { comparePositions, laterOf, type Position } from './position.js';

/** An event on its way to followers, rendered once for all. */
export interface TailEntry {
  readonly position: Position;
  readonly taskId: string;
  readonly type: string;
  /** Undefined when nobody had asked for projects as it was read; null when the task is gone. */
  readonly projectId: string | null | undefined;
  readonly text: string;
}

export interface TailFilter {
  readonly taskId: string | null;
  readonly projectId: string | null;
  readonly types: readonly string[] | null;
}

/** What a follower gets at once. */
export interface TailShare {
  readonly texts: readonly string[];
  /** Where it stands then. */
  readonly end: Position;
}

/** The newest events of the log, a bounded number of them, for followers at its end. */
export class Tail {
  private entries: TailEntry[] = [];
  /** All events after `start` and up to `end` are here; both undefined before {@link begin}. */
  private start: Position | undefined;
  private reached: Position | undefined;

  constructor(
    private readonly maxEntries: number,
    private readonly maxShare: number,
  ) {}

  get end(): Position | undefined {
    return this.reached;
  }

  begin(at: Position): void {
    this.entries = [];
    this.start = this.reached = at;
  }

  forget(): void {
    this.entries = [];
    this.start = this.reached = undefined;
  }

  /** Adds what the log holds between the end so far and `end`. The oldest entries make room. */
  append(entries: readonly TailEntry[], end: Position): void {
    this.entries.push(...entries);
    this.reached = end;
    const surplus = this.entries.splice(0, Math.max(0, this.entries.length - this.maxEntries));
    this.start = surplus.at(-1)?.position ?? this.start;
  }

  /** The next events after a position; undefined when the tail does not reach back so far, or cannot tell. */
  after(position: Position, filter: TailFilter): TailShare | undefined {
    if (this.start === undefined || this.reached === undefined) return undefined;
    if (comparePositions(position, this.start) < 0) return undefined;
    const texts: string[] = [];
    for (let index = this.indexAfter(position); index < this.entries.length; index++) {
      const entry = this.entries[index];
      if (entry === undefined) break;
      if (filter.projectId !== null && entry.projectId === undefined) return undefined;
      if (matches(entry, filter)) texts.push(entry.text);
      if (texts.length === this.maxShare) return { texts, end: entry.position };
    }
    return { texts, end: laterOf(position, this.reached) };
  }

  private indexAfter(position: Position): number {
    let [low, high] = [0, this.entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const entry = this.entries[middle];
      if (entry !== undefined && comparePositions(entry.position, position) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function matches(entry: TailEntry, { taskId, projectId, types }: TailFilter): boolean {
  return (
    (taskId === null || entry.taskId === taskId) &&
    (projectId === null || entry.projectId === projectId) &&
    (types === null || types.includes(entry.type))
  );
}
