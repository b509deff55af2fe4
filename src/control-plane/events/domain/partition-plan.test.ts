import { describe, expect, it } from '@jest/globals';
import { missingPartitions, partitionDays } from './partition-plan.js';

it.each([
  [30, 1],
  [0.5, 1],
  [40, 1],
  [41, 2],
  [365, 10],
  [0, 30],
])('spans, for a memory of %d days, %d days', (retention, days) =>
  expect(partitionDays(retention)).toBe(days),
);

describe('missing partitions', () => {
  const NOW = new Date('2026-03-10T23:59:00Z');
  const missing = (newestEnd: string | null, days = 1) =>
    missingPartitions(NOW, newestEnd === null ? null : new Date(newestEnd), days).map(
      ({ from, to }) => `${from.toISOString().slice(0, 10)}..${to.toISOString().slice(0, 10)}`,
    );

  it('begin today when there are none', () =>
    expect(missing(null)).toEqual([
      '2026-03-10..2026-03-11',
      '2026-03-11..2026-03-12',
      '2026-03-12..2026-03-13',
    ]));

  it('go on where the newest ends', () =>
    expect(missing('2026-03-12T00:00:00Z')).toEqual(['2026-03-12..2026-03-13']));

  it('are none when there are enough', () => expect(missing('2026-03-13T00:00:00Z')).toEqual([]));

  it('do not fill days that have passed', () =>
    expect(missing('2026-01-01T00:00:00Z')[0]).toBe('2026-03-10..2026-03-11'));

  it('may be wider', () => expect(missing(null, 30)).toEqual(['2026-03-10..2026-04-09']));
});
