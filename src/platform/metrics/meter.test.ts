import { describe, expect, it } from '@jest/globals';
import { Distribution } from './distribution.js';
import { Meter } from './meter.js';
import { metricsText } from './metrics-text.js';

describe('a meter', () => {
  it('shows what it counts from the start, with all values of a label', async () => {
    const meter = new Meter();
    const counts = meter.counters('c_total', 'Counts.', 'outcome', ['good', 'bad']);
    const spreads = meter.spreads('s_seconds', 'Spreads.', [1, 5], 'outcome', ['good']);
    counts.good.inc(2);
    spreads.good.observe(3);
    const lines = (await metricsText(meter.registry)).split('\n').filter((line) => !/^(#|$)/.test(line));
    expect(lines).toEqual([
      'c_total{outcome="good"} 2',
      'c_total{outcome="bad"} 0',
      's_seconds_bucket{outcome="good",le="1"} 0',
      's_seconds_bucket{outcome="good",le="5"} 1',
      's_seconds_bucket{outcome="good",le="+Inf"} 1',
      's_seconds_sum{outcome="good"} 3',
      's_seconds_count{outcome="good"} 1',
    ]);
  });

  it('leaves out a figure that is not known now', async () => {
    const meter = new Meter();
    let figure: number | undefined = 4;
    meter.gauge('g', 'Means this.', () => figure);
    expect(await metricsText(meter.registry)).toContain('\ng 4\n');
    figure = undefined;
    expect(await metricsText(meter.registry)).toBe('# HELP g Means this.\n# TYPE g gauge\n');
  });

  it('reads what others keep, and lets no label end early or begin a line', async () => {
    const meter = new Meter();
    meter.readCounters('c_total', 'a\\b\nc', ['service'], () => [[{ service: 'a"} 1\nc{s="\\' }, 2]]);
    expect(await metricsText(meter.registry)).toBe(
      '# HELP c_total a\\\\b\\nc\n# TYPE c_total counter\nc_total{service="a\\"} 1\\nc{s=\\"\\\\"} 2\n',
    );
  });

  it('adds the counts of a spread up, bound by bound', async () => {
    const meter = new Meter();
    const distribution = new Distribution([0.5, 2]);
    for (const value of [0.5, 3, 4]) distribution.observe(value);
    meter.readSpreads('h', 'Spreads.', () => [[{ service: 's' }, distribution]]);
    expect((await metricsText(meter.registry)).split('\n')).toEqual([
      '# HELP h Spreads.',
      '# TYPE h histogram',
      'h_bucket{service="s",le="0.5"} 1',
      'h_bucket{service="s",le="2"} 1',
      'h_bucket{service="s",le="+Inf"} 3',
      'h_sum{service="s"} 7.5',
      'h_count{service="s"} 3',
      '',
    ]);
  });
});
