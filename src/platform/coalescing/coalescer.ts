export interface CoalescerOptions<Item, Result> {
  /** Does the work of all items at once; resolves to one result for each, in their order. Rejects for all or none. */
  readonly run: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** How much one item adds to a run; 1 unless told. */
  readonly weightOf?: (item: Item) => number;
  /** A run takes items up to this weight together, and at least one. */
  readonly maxWeight: number;
  /** Runs at one time; while so many are under way, what arrives waits and goes together. */
  readonly maxRuns: number;
  /** Whether an error concerns the run as a whole (the database is away); any other is sought item by item. */
  readonly concernsAll: (error: unknown) => boolean;
  /** Told of each run how many items share it. */
  readonly observe?: (items: number) => void;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Lets calls that arrive together share one run: one statement and one commit for many callers, each answered after
 * it with its own result. An idle coalescer runs what arrived in one turn of the event loop, so a single caller waits
 * for nobody; a busy one gathers what arrives while a run is under way, so runs grow with the load.
 *
 * An error never reaches the neighbours of the item that caused it: after a run that failed as a whole, each of its
 * items is run alone. `run` must therefore leave nothing behind when it rejects.
 */
export class Coalescer<Item, Result> {
  private waiting: Waiting<Item, Result>[] = [];
  private runs = 0;
  private scheduled = false;

  constructor(private readonly options: CoalescerOptions<Item, Result>) {}

  submit(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.scheduled || this.runs >= this.options.maxRuns || this.waiting.length === 0) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      void this.runNext();
    });
  }

  private async runNext(): Promise<void> {
    const batch = this.take();
    this.options.observe?.(batch.length);
    this.runs++;
    // What did not fit goes beside this run, if it may.
    this.schedule();
    try {
      await this.settle(batch);
    } finally {
      this.runs--;
      this.schedule();
    }
  }

  private take(): Waiting<Item, Result>[] {
    const { weightOf, maxWeight } = this.options;
    if (weightOf === undefined) return this.waiting.splice(0, maxWeight);
    let weight = 0;
    let count = 0;
    for (const { item } of this.waiting) {
      weight += weightOf(item);
      if (count > 0 && weight > maxWeight) break;
      count++;
    }
    return this.waiting.splice(0, count);
  }

  private async settle(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.options.run(batch.map(({ item }) => item));
      if (results.length !== batch.length) {
        throw new Error(`A run of ${batch.length} items brought ${results.length} results.`);
      }
      batch.forEach(({ resolve }, index) => resolve(results[index] as Result));
    } catch (error) {
      if (batch.length === 1 || this.options.concernsAll(error)) {
        for (const { reject } of batch) reject(error);
        return;
      }
      for (const one of batch) await this.settle([one]);
    }
  }
}
