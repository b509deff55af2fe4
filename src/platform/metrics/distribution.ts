/**
 * How often what was observed lay between bounds. Plain numbers, so that an observation on a hot path costs a short walk
 * along the bounds and nothing else; prom-client reads them when somebody looks.
 */
export class Distribution {
  /** One count a bound and one beyond the last, each without those before it. */
  readonly counts: number[];
  sum = 0;

  /** @param bounds upper ones, growing */
  constructor(readonly bounds: readonly number[]) {
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    let place = 0;
    while (value > (this.bounds[place] ?? Number.POSITIVE_INFINITY)) place++;
    this.counts[place] = (this.counts[place] ?? 0) + 1;
    this.sum += value;
  }
}
