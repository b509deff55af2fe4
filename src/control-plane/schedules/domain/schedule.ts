import { type Instant } from '../../../platform/database/row.js';
import { type CatchUp } from './catch-up.js';
import { parseCron } from './cron.js';
import { type Timing } from './occurrences.js';
import { type Overlap } from './overlap.js';
import { findTimeZone } from './time-zone.js';

/** What somebody wants to happen again and again. */
export interface ScheduleDefinition {
  readonly id: string;
  readonly cron: string;
  readonly timeZone: string;
  /** What each task is made of, in the words of the API. */
  readonly task: object;
  readonly catchUp: CatchUp;
  readonly overlap: Overlap;
  readonly startAt: Instant | null;
  readonly endAt: Instant | null;
  readonly enabled: boolean;
}

/** A schedule as it stands. */
export interface Schedule extends ScheduleDefinition {
  /** The next occurrence; null while it is paused, and when there is none any more. */
  readonly nextAt: Instant | null;
  /** The last occurrence that made a task, and the task. */
  readonly lastAt: Instant | null;
  readonly lastTaskId: string | null;
  /** The last occurrence that made none, and why. */
  readonly lastSkippedAt: Instant | null;
  readonly lastSkipReason: string | null;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

type TimingTexts = Pick<ScheduleDefinition, 'cron' | 'timeZone' | 'startAt' | 'endAt'>;

/** What is wrong with the words for a timing. */
export interface TimingFault {
  readonly field: 'cron' | 'time_zone';
  readonly reason: string;
}

/** Reads the words for a timing; all that is wrong with them is told. */
export function readTiming({
  cron: expression,
  timeZone,
  startAt,
  endAt,
}: TimingTexts): Timing | TimingFault[] {
  const cron = parseCron(expression);
  const zone = findTimeZone(timeZone);
  if (!('fault' in cron) && zone !== null) {
    return { cron, zone, startAt: millisecondsOf(startAt), endAt: millisecondsOf(endAt) };
  }
  const faults: TimingFault[] = [];
  if ('fault' in cron)
    faults.push({ field: 'cron', reason: `Input should be a cron expression: ${cron.fault}` });
  if (zone === null) {
    faults.push({
      field: 'time_zone',
      reason: 'Input should be the IANA name of a time zone, such as Europe/Berlin',
    });
  }
  return faults;
}

function millisecondsOf(at: Instant | null): number | null {
  return at === null ? null : Date.parse(at);
}

/** Whether two schedules are due at the same times. */
export function sameTiming(one: TimingTexts, other: TimingTexts): boolean {
  return (
    one.cron === other.cron &&
    one.timeZone === other.timeZone &&
    one.startAt === other.startAt &&
    one.endAt === other.endAt
  );
}
