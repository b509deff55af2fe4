import { type Cron } from './cron.js';
import { instantOfWall, nextChange, type TimeZone } from './time-zone.js';

/** When a schedule is due. Instants are milliseconds since 1970. */
export interface Timing {
  readonly cron: Cron;
  readonly zone: TimeZone;
  /** Nothing is due before; null: no such bound. */
  readonly startAt: number | null;
  /** Nothing is due from then on; null: no such bound. */
  readonly endAt: number | null;
}

const SECOND_MS = 1_000;

/** The first occurrence after an instant; null when there is none. */
export function nextOccurrence(timing: Timing, after: number): number | null {
  const from = timing.startAt === null ? after : Math.max(after, timing.startAt - 1);
  const next = timing.cron.everyHour ? nextOfInterval(timing, from) : nextOfTimeOfDay(timing, from);
  return next === null || (timing.endAt !== null && next >= timing.endAt) ? null : next;
}

/** The occurrences after `after`, up to and with `until`; no more than `limit`. */
export function occurrencesBetween(timing: Timing, after: number, until: number, limit: number): number[] {
  const found: number[] = [];
  for (let at = after; found.length < limit;) {
    const next = nextOccurrence(timing, at);
    if (next === null || next > until) break;
    found.push(next);
    at = next;
  }
  return found;
}

/**
 * The newest `count` of the occurrences after `after`, up to and with `until`, oldest first. However many there are, few
 * are looked at: the beginning of a span that holds about as many as wanted is found by halving.
 */
export function newestOccurrences(timing: Timing, after: number, until: number, count: number): number[] {
  const limit = 2 * count;
  let [low, high, from] = [after, until, after];
  for (;;) {
    const found = occurrencesBetween(timing, from, until, limit);
    const enough = found.length >= count || from === after;
    if (found.length < limit && enough) return found.slice(-count);
    if (enough) low = from;
    else high = from;
    from = Math.floor((low + high) / 2);
  }
}

/** Times of day: each happens once a day. See {@link instantOfWall} for those that a day has twice, or not at all. */
function nextOfTimeOfDay({ cron, zone }: Timing, after: number): number | null {
  let wall = after + zone.offset(after);
  const first = instantOfWall(zone, wall);
  if (first < after - SECOND_MS) {
    // The clock was put back and shows times for the second time: on to the first that is new.
    const change = nextChange(zone, first, after);
    if (change !== null) wall = change + zone.offset(first) - 1;
  }
  for (;;) {
    const next = cron.next(wall);
    if (next === null) return null;
    const at = instantOfWall(zone, next);
    if (at > after) return at;
    wall = next;
  }
}

/** Intervals: they follow the wall clock as it goes, through an hour that comes twice, and over one that is left out. */
function nextOfInterval({ cron, zone }: Timing, after: number): number | null {
  let from = after;
  let offset = zone.offset(after);
  for (let since = after; ;) {
    const wall = cron.next(from + offset);
    if (wall === null) return null;
    const at = wall - offset;
    const change = nextChange(zone, since, at);
    if (change === null) return at;
    // The time of the change itself may be one of them.
    [from, since, offset] = [change - SECOND_MS, change, zone.offset(change)];
  }
}
