/** A figure with its labels. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Described {
  readonly name: string;
  /** One sentence. */
  readonly help: string;
}

/** What goes up and down. */
export interface Gauge extends Described {
  readonly samples: readonly Sample[];
}

/** What only grows while a process lives. Its name ends in `_total`. */
export interface Counter extends Described {
  readonly samples: readonly Sample[];
}

/** How often what was observed lay between the bounds. */
export interface Distribution {
  readonly labels: Readonly<Record<string, string>>;
  /** One count a bound and one beyond the last, each without those before it. */
  readonly counts: readonly number[];
  readonly sum: number;
}

export interface Histogram extends Described {
  /** Upper bounds, growing. */
  readonly bounds: readonly number[];
  readonly distributions: readonly Distribution[];
}

/** The text format of Prometheus, version 0.0.4. */
export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Gauges in the text format, in the given order. A metric without figures still says what it means. */
export function gauges(all: readonly Gauge[]): string {
  return all.map((gauge) => written(gauge, 'gauge', lines(gauge))).join('');
}

/** Counters in the text format. */
export function counters(all: readonly Counter[]): string {
  return all.map((counter) => written(counter, 'counter', lines(counter))).join('');
}

/** Histograms in the text format. */
export function histograms(all: readonly Histogram[]): string {
  return all
    .map((histogram) =>
      written(
        histogram,
        'histogram',
        histogram.distributions.flatMap((distribution) => linesOf(histogram, distribution)),
      ),
    )
    .join('');
}

function written({ name, help }: Described, type: string, figures: readonly string[]): string {
  return [`# HELP ${name} ${escaped(help, /[\\\n]/g)}`, `# TYPE ${name} ${type}`, ...figures]
    .map((line) => `${line}\n`)
    .join('');
}

function lines({ name, samples }: Gauge | Counter): string[] {
  return samples.map(({ labels, value }) => `${name}${labelsOf(labels)} ${value}`);
}

function linesOf({ name, bounds }: Histogram, { labels, counts, sum }: Distribution): string[] {
  let below = 0;
  const buckets = [...bounds.map(String), '+Inf'].map((le, index) => {
    below += counts[index] ?? 0;
    return `${name}_bucket${labelsOf({ ...labels, le })} ${below}`;
  });
  return [...buckets, `${name}_sum${labelsOf(labels)} ${sum}`, `${name}_count${labelsOf(labels)} ${below}`];
}

function labelsOf(labels: Sample['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value, /[\\\n"]/g)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

const escaped = (text: string, special: RegExp) =>
  text.replace(special, (character) => (character === '\n' ? '\\n' : `\\${character}`));
