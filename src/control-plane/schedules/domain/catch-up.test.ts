import { describe, expect, it } from '@jest/globals';
import { type CatchUp, MAX_CATCH_UP, planDue } from './catch-up.js';
import { parseCron } from './cron.js';
import { occurrenceTaskId } from './occurrence-id.js';
import { type Timing } from './occurrences.js';
import { findTimeZone } from './time-zone.js';

const MINUTE = 60_000;
const NOON = Date.parse('2026-01-31T12:00:00Z');

function everyTenMinutes(): Timing {
  const cron = parseCron('*/10 * * * *');
  const zone = findTimeZone('UTC');
  if ('fault' in cron || zone === null) throw new Error('It should be readable.');
  return { cron, zone, startAt: null, endAt: null };
}

/** What is planned at noon for a schedule of every ten minutes; times in minutes before noon. */
function planned(catchUp: CatchUp, dueMinutes: number, lateMs = 0) {
  const { run, dropped, next } = planDue(
    everyTenMinutes(),
    catchUp,
    NOON - dueMinutes * MINUTE,
    NOON + lateMs,
  );
  const before = (at: number) => (NOON - at) / MINUTE;
  return {
    run: run.map(before),
    dropped: dropped === null ? null : before(dropped),
    next: next === null ? null : before(next),
  };
}

describe('a schedule that is due', () => {
  it.each<CatchUp>(['none', 'last', 'all'])('runs what is in time, with catch-up %s', (catchUp) => {
    expect(planned(catchUp, 0, 900)).toEqual({ run: [0], dropped: null, next: -10 });
  });

  it.each<[CatchUp, number[], number | null]>([
    ['none', [], 0],
    ['last', [0], 10],
    ['all', [40, 30, 20, 10, 0], null],
  ])('after a downtime, with catch-up %s', (catchUp, run, dropped) => {
    expect(planned(catchUp, 40, 5 * MINUTE)).toEqual({ run, dropped, next: -10 });
  });

  it('makes up for no more than the newest hundred', () => {
    const { run, dropped } = planned('all', 10_000);
    expect(run).toHaveLength(MAX_CATCH_UP);
    expect([run[0], run.at(-1), dropped]).toEqual([990, 0, 1_000]);
  });

  it('keeps a stored time that the rules of the zone no longer give', () => {
    expect(planned('last', 3)).toMatchObject({ run: [0], dropped: 3 });
    expect(planned('last', -3, 4 * MINUTE)).toMatchObject({ run: [-3], dropped: null, next: -10 });
  });
});

it.each([
  ['2026-01-31T12:00:00.000000+00:00', 'nightly@20260131T120000Z'],
  ['2026-01-31T12:00:00.120000+00:00', 'nightly@20260131T120000.120000Z'],
])('the task of the occurrence at %s is %s', (at, id) => expect(occurrenceTaskId('nightly', at)).toBe(id));
