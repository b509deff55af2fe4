import { Counter, Gauge, type Histogram, Registry } from 'prom-client';
import { Distribution } from './distribution.js';

/** Something that only grows while the process lives. */
export interface Count {
  inc(by?: number): void;
}

/** Something whose spread is of interest: durations in seconds, sizes in bytes or items. */
export interface Spread {
  observe(value: number): void;
}

/** Upper bounds in seconds, for what takes a statement or a call. */
export const SHORT_SECONDS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];
/** Upper bounds in seconds, for what lasts as long as work does. */
export const LONG_SECONDS: readonly number[] = [
  0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400,
];

/** Upper bounds for how many share something. */
export const SIZES: readonly number[] = [1, 2, 5, 10, 20, 50, 100, 200, 500];

/**
 * Where the parts of one program put their metrics. What is counted is resolved once, with all values that its label may
 * have, so that a count costs an increment and nothing is built; and all of it is shown from the start, as 0, so that the
 * first time is seen as a change. A label's values are few and known when the program is written: never an id.
 */
export class Meter {
  readonly registry = new Registry();

  counter(name: string, help: string): Count {
    return new Counter({ name, help, registers: [this.registry] });
  }

  /** A counter for each value of a label. */
  counters<Value extends string>(
    name: string,
    help: string,
    label: string,
    values: readonly Value[],
  ): Readonly<Record<Value, Count>> {
    const counter = new Counter({ name, help, labelNames: [label], registers: [this.registry] });
    return each(values, (value) => {
      const child = counter.labels(value);
      child.inc(0);
      return child;
    });
  }

  spread(name: string, help: string, bounds: readonly number[]): Spread {
    const distribution = new Distribution(bounds);
    this.readSpreads(name, help, () => [[{}, distribution]]);
    return distribution;
  }

  /** A spread for each value of a label. */
  spreads<Value extends string>(
    name: string,
    help: string,
    bounds: readonly number[],
    label: string,
    values: readonly Value[],
  ): Readonly<Record<Value, Spread>> {
    const distributions = each(values, () => new Distribution(bounds));
    this.readSpreads(name, help, () =>
      values.map((value) => [{ [label]: value }, distributions[value]] as const),
    );
    return distributions;
  }

  /** What goes up and down, read when somebody looks; undefined: it is not known now, and not shown. */
  gauge(name: string, help: string, read: () => number | undefined): void {
    new Gauge({
      ...{ name, help, registers: [this.registry] },
      collect() {
        const value = read();
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  }

  /** A gauge for each value of a label, read when somebody looks. */
  gauges(
    name: string,
    help: string,
    label: string,
    read: () => Iterable<readonly [value: string, figure: number]>,
  ): void {
    this.readGauges(name, help, [label], () =>
      [...read()].map(([value, figure]) => [{ [label]: value }, figure] as const),
    );
  }

  /** The same with several labels. */
  readGauges<Label extends string>(
    name: string,
    help: string,
    labels: readonly Label[],
    read: () => Iterable<readonly [labels: Readonly<Record<Label, string>>, figure: number]>,
  ): void {
    new Gauge<Label>({
      ...{ name, help, labelNames: [...labels], registers: [this.registry] },
      collect() {
        this.reset();
        for (const [values, figure] of read()) this.set({ ...values }, figure);
      },
    });
  }

  /** A counter that somebody else keeps, for each set of labels, read when somebody looks. */
  readCounters<Label extends string>(
    name: string,
    help: string,
    labels: readonly Label[],
    read: () => Iterable<readonly [labels: Readonly<Record<Label, string>>, count: number]>,
  ): void {
    new Counter<Label>({
      ...{ name, help, labelNames: [...labels], registers: [this.registry] },
      collect() {
        this.reset();
        for (const [values, count] of read()) this.inc({ ...values }, count);
      },
    });
  }

  /** A spread that somebody else keeps, for each set of labels, read when somebody looks. */
  readSpreads<Label extends string>(
    name: string,
    help: string,
    read: () => Iterable<readonly [labels: Readonly<Record<Label, string>>, distribution: Distribution]>,
  ): void {
    const get = () =>
      Promise.resolve({
        ...{ name, help, type: 'histogram', aggregator: 'sum' },
        values: [...read()].flatMap(([labels, distribution]) => samplesOf(name, labels, distribution)),
      });
    // A registry asks a metric for nothing but this. The histogram of prom-client makes a key of its labels for each
    // observation, which is most of what counting would cost a task.
    const metric = { name, help, type: 'histogram', aggregator: 'sum', get };
    this.registry.registerMetric(metric as unknown as Histogram);
  }
}

function samplesOf(
  name: string,
  labels: Readonly<Record<string, string>>,
  { bounds, counts, sum }: Distribution,
) {
  let below = 0;
  const buckets = [...bounds.map(String), '+Inf'].map((le, index) => {
    below += counts[index] ?? 0;
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: below };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: below },
  ];
}

function each<Key extends string, Value>(
  keys: readonly Key[],
  make: (key: Key) => Value,
): Readonly<Record<Key, Value>> {
  return Object.fromEntries(keys.map((key) => [key, make(key)])) as Record<Key, Value>;
}
