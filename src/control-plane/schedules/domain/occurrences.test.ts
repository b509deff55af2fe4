import { describe, expect, it } from '@jest/globals';
import { parseCron } from './cron.js';
import { newestOccurrences, nextOccurrence, occurrencesBetween, type Timing } from './occurrences.js';
import { findTimeZone } from './time-zone.js';
import { fc, runs } from '../../../../test/support/properties.js';

function timing(expression: string, zoneName = 'UTC', bounds: Partial<Timing> = {}): Timing {
  const cron = parseCron(expression);
  const zone = findTimeZone(zoneName);
  if ('fault' in cron || zone === null) throw new Error(`${expression} in ${zoneName}`);
  return { cron, zone, startAt: null, endAt: null, ...bounds };
}

const from = (text: string) => Date.parse(text);
const texts = (instants: readonly number[]) =>
  instants.map((at) => new Date(at).toISOString().replace('.000Z', 'Z'));

describe('the occurrences of a schedule', () => {
  it.each([
    ['*/20 * * * *', '2026-01-31T23:30:30Z', ['2026-01-31T23:40:00Z', '2026-02-01T00:00:00Z']],
    ['*/30 * * * * *', '2026-01-31T23:59:30Z', ['2026-02-01T00:00:00Z', '2026-02-01T00:00:30Z']],
    ['0 12 29 2 *', '2026-01-01T00:00:00Z', ['2028-02-29T12:00:00Z', '2032-02-29T12:00:00Z']],
    ['0 9 * * mon-fri', '2026-01-30T09:00:00Z', ['2026-02-02T09:00:00Z', '2026-02-03T09:00:00Z']],
    ['0 0 13 * fri', '2026-02-01T00:00:00Z', ['2026-02-06T00:00:00Z', '2026-02-13T00:00:00Z']],
    ['@weekly', '2026-01-31T00:00:00Z', ['2026-02-01T00:00:00Z', '2026-02-08T00:00:00Z']],
  ])('of %j after %s', (expression, after, expected) => {
    expect(texts(occurrencesBetween(timing(expression), from(after), Infinity, 2))).toEqual(expected);
  });

  it('are none for a day that no calendar has', () => {
    expect(nextOccurrence(timing('0 0 30 2 *'), from('2026-01-01'))).toBeNull();
  });

  it('begin with start_at and end before end_at', () => {
    const bounds = { startAt: from('2026-01-02T03:00:00Z'), endAt: from('2026-01-04T03:00:00Z') };
    const all = occurrencesBetween(timing('0 3 * * *', 'UTC', bounds), from('2026-01-01'), Infinity, 9);
    expect(texts(all)).toEqual(['2026-01-02T03:00:00Z', '2026-01-03T03:00:00Z']);
  });
});

/** Expression, zone, after, the occurrences that follow. */
type Case = [string, string, string, string[]];

describe('a clock that is put forward', () => {
  it.each<Case>([
    // Berlin, 29 March 2026: 02:00 becomes 03:00, which is 01:00 UTC.
    ['30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', ['2026-03-29T01:00:00Z', '2026-03-30T00:30:00Z']],
    ['*/15 2 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', ['2026-03-29T01:00:00Z', '2026-03-30T00:00:00Z']],
    ['0 2,3 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', ['2026-03-29T01:00:00Z', '2026-03-30T00:00:00Z']],
    // Sydney, 5 October 2025: 02:00 becomes 03:00, which is 16:00 UTC of the day before.
    ['30 2 * * *', 'Australia/Sydney', '2025-10-04T12:00Z', ['2025-10-04T16:00:00Z', '2025-10-05T15:30:00Z']],
    // Lord Howe goes forward by half an hour, 02:00 to 02:30, at 15:30 UTC.
    ['15 2 * * *', 'Australia/Lord_Howe', '2025-10-04T12:00Z', ['2025-10-04T15:30:00Z']],
    // Samoa had no 30 December 2011.
    ['0 12 30 12 *', 'Pacific/Apia', '2011-12-01T00:00Z', ['2011-12-30T10:00:00Z', '2012-12-29T22:00:00Z']],
  ])('%j in %s happens when it is put forward, once', (expression, zone, after, expected) => {
    const found = occurrencesBetween(timing(expression, zone), from(after), Infinity, expected.length);
    expect(texts(found)).toEqual(expected);
  });

  it.each<Case>([
    ['30 * * * *', 'Europe/Berlin', '2026-03-29T00:00Z', ['2026-03-29T00:30:00Z', '2026-03-29T01:30:00Z']],
    ['0 */2 * * *', 'Europe/Berlin', '2026-03-28T23:30Z', ['2026-03-29T02:00:00Z', '2026-03-29T04:00:00Z']],
    ['0 * * * *', 'Australia/Lord_Howe', '2025-10-04T14:30Z', ['2025-10-04T16:00:00Z']],
  ])('%j in %s goes on by the hours that exist', (expression, zone, after, expected) => {
    const found = occurrencesBetween(timing(expression, zone), from(after), Infinity, expected.length);
    expect(texts(found)).toEqual(expected);
  });
});

describe('a clock that is put back', () => {
  it.each<Case>([
    // New York, 1 November 2026: 02:00 becomes 01:00, which is 06:00 UTC.
    ['30 1 * * *', 'America/New_York', '2026-11-01T04:00Z', ['2026-11-01T05:30:00Z', '2026-11-02T06:30:00Z']],
    ['30 1 * * *', 'America/New_York', '2026-11-01T06:00Z', ['2026-11-02T06:30:00Z']],
    ['30 1 * * *', 'America/New_York', '2026-11-01T06:45Z', ['2026-11-02T06:30:00Z']],
    ['* * 1 * * *', 'America/New_York', '2026-11-01T05:59:59Z', ['2026-11-02T06:00:00Z']],
    ['0 2 * * *', 'America/New_York', '2026-11-01T05:30Z', ['2026-11-01T07:00:00Z']],
    ['30 2 * * *', 'Australia/Sydney', '2026-04-04T12:00Z', ['2026-04-04T15:30:00Z', '2026-04-05T16:30:00Z']],
  ])('%j in %s from %s happens the first time only', (expression, zone, after, expected) => {
    const found = occurrencesBetween(timing(expression, zone), from(after), Infinity, expected.length);
    expect(texts(found)).toEqual(expected);
  });

  it.each<Case>([
    [
      ...(['30 * * * *', 'America/New_York', '2026-11-01T05:00Z'] as const),
      ['2026-11-01T05:30:00Z', '2026-11-01T06:30:00Z', '2026-11-01T07:30:00Z'],
    ],
    [
      // Havana goes back from 01:00 to 00:00; that hour of 1 November 2026 comes at 04:00 and at 05:00 UTC.
      ...(['0 * 1 11 *', 'America/Havana', '2026-01-15T00:00Z'] as const),
      ['2026-11-01T04:00:00Z', '2026-11-01T05:00:00Z', '2026-11-01T06:00:00Z'],
    ],
  ])('%j in %s happens both times', (expression, zone, after, expected) => {
    const found = occurrencesBetween(timing(expression, zone), from(after), Infinity, expected.length);
    expect(texts(found)).toEqual(expected);
  });
});

const expressions = ['0 * * * *', '30 1 * * *', '*/7 2,3 * * *', '15 0 1 * *', '0 */3 * * sun', '10 2 * * *'];
const zones = [
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'America/Havana',
  'Africa/Casablanca',
];

it('the next occurrence always lies ahead, and none lies between', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...expressions),
      fc.constantFrom(...zones),
      fc.integer({ min: from('2025-01-01'), max: from('2027-12-31') }),
      fc.integer({ min: 0, max: 10 * 86_400_000 }),
      (expression, zone, after, ahead) => {
        const rule = timing(expression, zone);
        const next = nextOccurrence(rule, after) ?? 0;
        expect(next).toBeGreaterThan(after);
        // Asked from any later moment before it, the answer is the same.
        const later = Math.min(after + ahead, next - 1);
        expect(nextOccurrence(rule, later)).toBe(next);
      },
    ),
    { numRuns: runs(300) },
  );
});

describe('the newest occurrences', () => {
  it.each([
    ['* * * * * *', '2026-01-01T00:00:00Z', 100],
    ['* * 3 * * *', '2026-01-01T00:00:00Z', 100],
    ['0 3 * * *', '2020-01-01T00:00:00Z', 1],
    ['0 3 * * *', '2026-01-20T00:00:00Z', 100],
  ])('of %j since %s are the last ones', (expression, after, count) => {
    const rule = timing(expression);
    const until = from('2026-02-01T12:00:00Z');
    const newest = newestOccurrences(rule, from(after), until, count);
    const last = newest.at(-1) ?? 0;
    expect(nextOccurrence(rule, last)).toBeGreaterThan(until);
    expect(occurrencesBetween(rule, (newest[0] ?? 0) - 1, until, 1_000)).toEqual(newest);
    expect(newest).toHaveLength(Math.min(count, expression === '0 3 * * *' && count > 1 ? 13 : count));
  });
});
