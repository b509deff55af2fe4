import { IANAZone } from 'luxon';

const MINUTE_MS = 60_000;
/** No zone changes its offset twice within this time. */
const STRIDE_MS = 7 * 24 * 60 * MINUTE_MS;

/** What a clock on the wall of a place shows. */
export interface TimeZone {
  /** Milliseconds that the wall clock is ahead of UTC at an instant. */
  offset(at: number): number;
}

/** The zone of an IANA name such as `Europe/Berlin`; null when there is none of that name. */
export function findTimeZone(name: string): TimeZone | null {
  // Newer runtimes take an offset such as +02:00 for a zone, which knows no daylight saving and is no IANA name.
  if (!/^[A-Za-z]/.test(name) || !IANAZone.isValidZone(name)) return null;
  const zone = IANAZone.create(name);
  return { offset: (at) => zone.offset(at) * MINUTE_MS };
}

/** The first instant after `from`, up to `until`, whose offset is not that of `from`; null when there is none. */
export function nextChange(zone: TimeZone, from: number, until: number): number | null {
  const offset = zone.offset(from);
  for (let before = from; before < until;) {
    let after = Math.min(before + STRIDE_MS, until);
    if (zone.offset(after) === offset) {
      before = after;
      continue;
    }
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      if (zone.offset(middle) === offset) before = middle;
      else after = middle;
    }
    return after;
  }
  return null;
}

/**
 * The instant at which the wall clock shows `wall`: the first one when it does so twice, and when it never does, since
 * the clock was put forward past it, the moment at which that happened.
 */
export function instantOfWall(zone: TimeZone, wall: number): number {
  // Offsets are less than a day, and so is what a clock is put forward or back by, but for a place that crosses the date line.
  const day = 26 * 60 * MINUTE_MS;
  const early = wall - zone.offset(wall - day);
  if (early + zone.offset(early) === wall) return early;
  const late = wall - zone.offset(wall + day);
  if (late + zone.offset(late) === wall) return late;
  return nextChange(zone, wall - day, wall + day) ?? late;
}
