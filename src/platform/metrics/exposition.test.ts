import { describe, expect, it } from '@jest/globals';
import { counters, gauges, histograms } from './exposition.js';

describe('the text format of Prometheus', () => {
  it('says what a metric means before its figures', () => {
    const samples = [
      { labels: { project: 'a', lane: 'x' }, value: 1.5 },
      { labels: {}, value: 0 },
    ];
    expect(gauges([{ name: 'g', help: 'Means this.', samples }])).toBe(
      '# HELP g Means this.\n# TYPE g gauge\ng{project="a",lane="x"} 1.5\ng 0\n',
    );
    expect(counters([{ name: 'c_total', help: 'Counts.', samples: [] }])).toBe(
      '# HELP c_total Counts.\n# TYPE c_total counter\n',
    );
  });

  it('lets no label end early or begin a line, whatever a project is called', () => {
    const samples = [{ labels: { project: 'a"} 1\ng{project="\\' }, value: 2 }];
    expect(gauges([{ name: 'g', help: 'a\\b\nc', samples }])).toBe(
      '# HELP g a\\\\b\\nc\n# TYPE g gauge\ng{project="a\\"} 1\\ng{project=\\"\\\\"} 2\n',
    );
  });

  it('adds the counts of a histogram up, bound by bound', () => {
    const distributions = [{ labels: { service: 's' }, counts: [1, 0, 2], sum: 7.5 }];
    expect(histograms([{ name: 'h', help: 'Spreads.', bounds: [0.5, 2], distributions }])).toBe(
      [
        '# HELP h Spreads.',
        '# TYPE h histogram',
        'h_bucket{service="s",le="0.5"} 1',
        'h_bucket{service="s",le="2"} 1',
        'h_bucket{service="s",le="+Inf"} 3',
        'h_sum{service="s"} 7.5',
        'h_count{service="s"} 3',
        '',
      ].join('\n'),
    );
  });
});
