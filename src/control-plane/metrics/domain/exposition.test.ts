import { describe, expect, it } from '@jest/globals';
import { exposition } from './exposition.js';

describe('exposition', () => {
  it('writes what a gauge means before its figures', () => {
    const samples = [
      { labels: { project: 'a', lane: 'x' }, value: 1.5 },
      { labels: {}, value: 0 },
    ];
    expect(exposition([{ name: 'g', help: 'Means this.', samples }])).toBe(
      '# HELP g Means this.\n# TYPE g gauge\ng{project="a",lane="x"} 1.5\ng 0\n',
    );
  });

  it('lets no label end early or begin a line, whatever a project is called', () => {
    const samples = [{ labels: { project: 'a"} 1\ng{project="\\' }, value: 2 }];
    expect(exposition([{ name: 'g', help: 'a\\b\nc', samples }])).toBe(
      '# HELP g a\\\\b\\nc\n# TYPE g gauge\ng{project="a\\"} 1\\ng{project=\\"\\\\"} 2\n',
    );
  });
});
